/**
 * The page's places and what stands in them. Nothing here asks the server or knows the history.
 */

import { card, chip } from "./goods.js";
import { say, sayProblem } from "./texts.js";

/**
 * @typedef {import("./texts.js").Category} Category
 * @typedef {import("./api.js").Product} Product
 * @typedef {{ label: string, href: string, press: () => void }} More
 */

/** Problems that may be gone a moment later; for the others the same try would fail the same. */
const PASSING = ["busy", "not_ready", "internal", "offline", "unreachable"];

const place = (id) => document.getElementById(id);
const [box, status, problem, suggestions, shelves, results, goods, more] = [
  "q", "status", "problem", "suggestions", "shelves", "results", "goods", "more",
].map(place);

/** What the "show more" link does now. @type {() => void} */
let pressMore = () => {};
/** What the "try again" button does now. @type {() => void} */
let pressRetry = () => {};

more.addEventListener("click", (event) => {
  if (!isPlain(event)) return;
  event.preventDefault();
  pressMore();
});
problem.querySelector("button").addEventListener("click", () => {
  // The button goes away under the finger: without this the keyboard would start from the top.
  document.querySelector("main").focus({ preventScroll: true });
  pressRetry();
});
place("in-words").addEventListener("click", () => box.focus());

/**
 * A press that means "here": not in a new tab, not with another button.
 *
 * @param {MouseEvent} event
 * @returns {boolean}
 */
export function isPlain(event) {
  return event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
}

/** @param {string} text */
export function fillBox(text) {
  box.value = text;
}

/** @param {string} heading what is shown, for the browser's list of tabs; empty at home */
export function entitle(heading) {
  const shop = document.querySelector(".shop-name").textContent.trim();
  document.title = heading ? `${heading} · ${shop}` : shop;
}

/** @param {string} sentence */
export function tell(sentence) {
  status.textContent = sentence;
  place("ways").hidden = true;
}

/** Says what a photo can do here, and on a computer in which ways it can come. */
export function tellHint() {
  tell(say("hint_home"));
  place("ways").hidden = false;
}

/** @param {string | undefined} address of the picture; nothing takes the thumbnail away */
export function showThumbnail(address) {
  const frame = place("thumbnail");
  frame.hidden = !address;
  const image = frame.querySelector("img");
  if (address) image.src = address;
  else image.removeAttribute("src");
}

/**
 * The page is busy: the goods of before stay, faded, so that nothing jumps.
 *
 * @param {string} sentence
 * @param {boolean} canCancel
 */
export function beginWork(sentence, canCancel) {
  tell(sentence);
  problem.hidden = true;
  place("progress").hidden = false;
  place("cancel").hidden = !canCancel;
  results.setAttribute("aria-busy", "true");
}

/** The page is idle again. */
export function endWork() {
  place("progress").hidden = true;
  place("cancel").hidden = true;
  results.removeAttribute("aria-busy");
}

/**
 * Says what went wrong and what to do.
 *
 * @param {string} code
 * @param {() => void} retry
 * @param {boolean} keepGoods true where only the next page failed
 */
export function showProblem(code, retry, keepGoods = false) {
  tell("");
  pressRetry = retry;
  problem.querySelector("p").textContent = sayProblem(code);
  problem.querySelector("button").hidden = !PASSING.includes(code);
  // It stands where the shopper looks: above the goods, or at their end when they run out.
  (keepGoods ? results : document.querySelector(".say")).after(problem);
  problem.hidden = false;
  if (keepGoods) return;
  results.hidden = true;
  suggestions.hidden = true;
  showFilters(null);
  showShelves(true);
}

/**
 * @param {boolean} visible
 * @param {boolean} [afterResults] where the results are the sentence that there are none
 */
export function showShelves(visible, afterResults = false) {
  results[afterResults ? "after" : "before"](shelves);
  shelves.hidden = !visible || !shelves.querySelector("li");
}

/**
 * The form that leaves goods out.
 *
 * @param {Record<string, string | number> | null} view what is shown; nothing hides the form
 * @param {boolean} [filtered] whether something is left out now
 */
export function showFilters(view, filtered = false) {
  const form = place("filters");
  form.hidden = !view;
  if (!view) return;
  for (const name of ["q", "category", "price_min", "price_max"]) {
    form.elements[name].value = view[name] ?? "";
  }
  form.elements.in_stock.checked = Boolean(view.in_stock);
  place("filters-reset").hidden = !filtered;
}

/** Where nothing is left: that conditions may be the reason. */
export function tellWhyEmpty() {
  place("empty").textContent = say("empty_filtered");
}

/** Takes the photo's chips away. */
export function hideSuggestions() {
  suggestions.hidden = true;
}

/**
 * The photo's chips under their sentence.
 *
 * @param {{ lead: string, candidates: Category[], pressed: string, inWords?: boolean,
 *   press: (category: Category) => void }} shown
 */
export function showSuggestions({ lead, candidates, pressed, inWords = false, press }) {
  const list = suggestions.querySelector("ul");
  const focused = list.contains(document.activeElement)
    ? document.activeElement.dataset.category
    : null;
  place("suggestions-lead").textContent = lead;
  list.replaceChildren(...candidates.map((one) => chip(one, one.id === pressed, press)));
  list.hidden = candidates.length === 0;
  place("in-words").hidden = !inWords;
  suggestions.hidden = false;
  // The chips are new elements: the keyboard stays on the one that was pressed.
  [...list.querySelectorAll("button")].find((one) => one.dataset.category === focused)?.focus();
}

/** Takes the goods away. */
export function hideResults() {
  results.hidden = true;
  goods.replaceChildren();
}

/**
 * Goods under a heading, or the sentence that there are none.
 *
 * @param {string} heading
 * @param {Product[]} products
 * @param {More | null} next
 */
export function showResults(heading, products, next) {
  const empty = products.length === 0;
  const leavesKeyboard = goods.contains(document.activeElement);
  place("results-heading").textContent = empty ? say("empty") : heading;
  place("empty").hidden = !empty;
  place("empty").textContent = say("empty_help");
  place("corrected").hidden = true;
  goods.replaceChildren(...products.map(card));
  showMore(next);
  problem.hidden = true;
  results.hidden = false;
  // Who was already among the goods of before stays among goods.
  if (leavesKeyboard) focusResults();
}

/**
 * What was searched instead of what was typed.
 *
 * @param {string} words
 */
export function showCorrected(words) {
  place("corrected").textContent = say("corrected", { words });
  place("corrected").hidden = false;
}

/**
 * The next page of goods after those that are there.
 *
 * @param {Product[]} products
 * @param {More | null} next
 */
export function appendResults(products, next) {
  const added = products.map(card);
  goods.append(...added);
  // Keyboard and screen reader go on where the new goods begin.
  if (document.activeElement === more) (added[0]?.querySelector("a") ?? results).focus();
  showMore(next);
}

/** @param {More | null} next */
export function showMore(next) {
  more.parentElement.hidden = !next;
  if (!next) return;
  more.textContent = next.label;
  more.href = next.href;
  pressMore = next.press;
}

/** Puts the keyboard at the goods, after what was pressed has left the page. */
export function focusResults() {
  if (!results.hidden) results.focus({ preventScroll: true });
}
