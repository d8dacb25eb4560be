/**
 * The shop's page: which view is shown, how one view leads to the next, what is asked meanwhile.
 *
 * A view is an address (`?q=`, `?category=`) and, while this page is open, a photo: photos live in
 * this page's memory only, never in the address and never on disk.
 */

import * as api from "./api.js";
import { report } from "./events.js";
import { adopt } from "./goods.js";
import "./photo-picker.js";
import { prepare } from "./photo.js";
import * as screen from "./screen.js";
import { page, say } from "./texts.js";

/**
 * @typedef {{ q: string, category: string, photo: number, query: string, price_min?: string,
 *   price_max?: string, in_stock?: string }} View photo: its number, 0 for none; query: what events
 *   name this search by words by, empty where there is none or it is not known yet
 * @typedef {{ address: string, answer: api.PhotoAnswer }} Photo address: of its thumbnail
 */

/** Photos that the back button can still return to. */
const ALBUM_SIZE = 8;

/** @type {Map<number, Photo>} */
const album = new Map();
/** Every category that this page has heard of. @type {Map<string, import("./texts.js").Category>} */
const known = new Map(page.categories.map((category) => [category.id, category]));
/** The request under way; a new one ends it. @type {AbortController | null} */
let running = null;
let photosTaken = 0;

const picker = document.querySelector("photo-picker");
const box = document.getElementById("q");

/** @returns {View} */
function currentView() {
  const address = new URLSearchParams(location.search);
  const photo = history.state?.photo ?? 0;
  return {
    q: (address.get("q") ?? "").trim(),
    category: address.get("category") ?? "",
    photo: album.has(photo) ? photo : 0,
    query: history.state?.query ?? "",
    ...Object.fromEntries(api.FILTERS.map((name) => [name, address.get(name) ?? ""])),
  };
}

/**
 * @param {View} view
 * @returns {boolean} whether it leaves goods out
 */
function isFiltered(view) {
  return api.FILTERS.some((name) => view[name]);
}

/**
 * @param {Partial<View> & { cursor?: string }} view
 * @param {string} [lang]
 * @returns {string}
 */
function addressOf(view, lang = page.keptLanguage) {
  const names = ["q", "category", ...api.FILTERS, "cursor"];
  const all = [["lang", lang], ...names.map((name) => [name, view[name]])];
  const parts = all.filter(([, value]) => value);
  return parts.length ? `/?${new URLSearchParams(parts)}` : "/";
}

/**
 * @param {Partial<View>} change
 * @returns {Promise<void>}
 */
function go(change) {
  const view = { q: "", category: "", photo: 0, query: "", ...change };
  const address = addressOf(view);
  // The same place twice would make the back button seem to do nothing.
  const same = address === location.pathname + location.search && view.photo === currentView().photo;
  const { photo, query } = view;
  history[same ? "replaceState" : "pushState"]({ photo, query }, "", address);
  return show(view);
}

/**
 * @param {View} view
 * @returns {Promise<void>}
 */
async function show(view) {
  stop();
  const photo = album.get(view.photo);
  screen.fillBox(view.q || known.get(view.category)?.search_text || "");
  screen.showThumbnail(photo?.address);
  for (const link of document.querySelectorAll("[data-language]")) {
    link.href = addressOf(view, link.dataset.language);
  }
  const answered = photo && view.category === (photo.answer.category?.id ?? "");
  if (answered && !isFiltered(view)) showAnswer(view, photo.answer);
  else await showFindings(view, photo?.answer);
}

/**
 * What a photo brought.
 *
 * @param {View} view
 * @param {api.PhotoAnswer} answer
 */
function showAnswer(view, answer) {
  suggest(view, answer);
  screen.showFilters(null);
  screen.showShelves(answer.decision === "unknown");
  screen.entitle(answer.category?.name ?? "");
  const count = answer.products.length;
  screen.tell(count ? say("shown_photo", { count }) : "");
  if (answer.decision === "category") {
    screen.showResults(answer.category.name, answer.products, wholeCategory(answer));
  } else if (count) {
    const heading = answer.decision === "unknown" ? "heading_nearest" : "heading_near";
    screen.showResults(say(heading), answer.products, null);
  } else {
    screen.hideResults();
  }
}

/**
 * The way from the goods that look most alike to all of their category.
 *
 * @param {api.PhotoAnswer} answer
 * @returns {screen.More | null}
 */
function wholeCategory({ category, products }) {
  if (products.length < api.PAGE_SIZE) return null;
  return {
    label: say("whole_category", { name: category.name }),
    href: addressOf({ category: category.id }),
    press: () => go({ category: category.id }).then(screen.focusResults),
  };
}

/**
 * @param {View} view
 * @param {api.PhotoAnswer} answer
 */
function suggest(view, answer) {
  const { decision, category, alternatives } = answer;
  const leads = { category: "suggest_other", unsure: "suggest_unsure", unknown: "unknown" };
  const candidates = decision === "unknown" ? [] : [...(category ? [category] : []), ...alternatives];
  if (decision === "category" && alternatives.length === 0) return screen.hideSuggestions();
  return screen.showSuggestions({
    lead: say(leads[decision]),
    candidates,
    pressed: view.category,
    inWords: decision === "unknown",
    press: (chosen) => {
      if (chosen.id !== view.category) report(answer.query_id, { kind: "chip", category: chosen.id });
      return go({ category: chosen.id, photo: view.photo });
    },
  });
}

/**
 * What words or a category brought; with a photo its chips stay above.
 *
 * @param {View} view
 * @param {api.PhotoAnswer} [answer]
 */
async function showFindings(view, answer) {
  const findings = await work("searching", () => show(view), (signal) =>
    api.searchByText(view, signal),
  );
  if (!findings) return;
  remember(view, findings.query_id);
  const { products, total } = findings;
  const atHome = !view.q && !view.category;
  screen.entitle(atHome ? "" : products.length ? headingOf(view) : say("empty"));
  if (answer) suggest(view, answer);
  else screen.hideSuggestions();
  screen.showShelves(atHome || products.length === 0, !atHome);
  const filtered = isFiltered(view);
  screen.showFilters(!atHome && (products.length || filtered) ? view : null, filtered);
  if (atHome) screen.tellHint();
  else if (total === null && products.length) screen.tell(say("shown", { count: products.length }));
  else screen.tell(say("found", { count: total ?? 0 }));
  if (atHome && products.length === 0) screen.hideResults();
  else screen.showResults(headingOf(view), products, nextPage(view, findings.next_cursor));
  if (filtered) screen.tellWhyEmpty();
  if (findings.corrected) screen.showCorrected(findings.corrected);
}

/**
 * Binds what comes next to this search, also after its filters are changed, a product was looked
 * at, or the page was loaded anew: it stays one search.
 *
 * @param {View} view
 * @param {string | null} [query]
 */
function remember(view, query) {
  if (!query) return;
  view.query = query;
  history.replaceState({ photo: view.photo, query }, "");
}

/** Has a search counted whose page the server wrote: here a browser shows it to somebody. */
async function countOwn() {
  const view = currentView();
  const isPage = new URLSearchParams(location.search).has("cursor");
  if (!view.q || view.query || isPage) return;
  try {
    const { query_id: query } = await api.searchByText(view, undefined, 1);
    // meanwhile something else may have been searched
    if (addressOf(currentView()) === addressOf(view)) remember(currentView(), query);
  } catch (error) {
    // no shopper has to know
    if (!(error instanceof api.Problem)) throw error;
  }
}

/**
 * @param {View} view
 * @returns {string}
 */
function headingOf({ q, category }) {
  if (q) return say("heading_query", { query: q });
  return category ? (known.get(category)?.name ?? say("heading_shop")) : say("heading_shop");
}

/**
 * @param {View} view
 * @param {string | null} cursor
 * @returns {screen.More | null}
 */
function nextPage(view, cursor) {
  if (!cursor) return null;
  const press = async () => {
    const told = document.getElementById("status").textContent;
    const findings = await work(
      "searching",
      press,
      (signal) => api.searchByText({ ...view, cursor }, signal),
      { keepGoods: true },
    );
    if (!findings) return;
    screen.tell(told);
    screen.appendResults(findings.products, nextPage(view, findings.next_cursor));
  };
  return { label: say("more"), href: addressOf({ ...view, cursor }), press };
}

/**
 * @param {File} file
 */
async function searchPhoto(file) {
  const address = URL.createObjectURL(file);
  const again = () => searchPhoto(file);
  stop();
  screen.showThumbnail(address);
  const answer = await work(
    "searching_photo",
    again,
    async (signal) => {
      const photo = await prepare(file);
      signal.throwIfAborted();
      return api.searchByPhoto(photo, signal);
    },
    { canCancel: true },
  );
  if (!answer) return;
  for (const one of [answer.category, ...answer.alternatives]) if (one) known.set(one.id, one);
  await go({ category: answer.category?.id ?? "", photo: keep({ address, answer }) });
}

/**
 * @param {Photo} photo
 * @returns {number} its number in the album
 */
function keep(photo) {
  photosTaken += 1;
  album.set(photosTaken, photo);
  const oldest = photosTaken - ALBUM_SIZE;
  if (album.has(oldest)) {
    URL.revokeObjectURL(album.get(oldest).address);
    album.delete(oldest);
  }
  return photosTaken;
}

/**
 * Does one piece of work and shows how it goes. A newer piece of work takes its place.
 *
 * @template Result
 * @param {string} key of the sentence that says what is being done
 * @param {() => void} again what "try again" does
 * @param {(signal: AbortSignal) => Promise<Result>} job
 * @param {{ canCancel?: boolean, keepGoods?: boolean }} [how]
 * @returns {Promise<Result | undefined>} nothing where it failed or something else began
 */
async function work(key, again, job, { canCancel = false, keepGoods = false } = {}) {
  stop();
  const mine = new AbortController();
  running = mine;
  screen.beginWork(say(key), canCancel);
  try {
    const result = await job(mine.signal);
    return running === mine ? result : undefined;
  } catch (error) {
    if (running !== mine) return undefined;
    screen.showProblem(error instanceof api.Problem ? error.code : "internal", again, keepGoods);
    if (!(error instanceof api.Problem)) throw error;
    return undefined;
  } finally {
    if (running === mine) stop();
  }
}

/** Ends what is under way, without a word. */
function stop() {
  running?.abort();
  running = null;
  screen.endWork();
}

function cancel() {
  stop();
  screen.tell(say("cancelled"));
  screen.showThumbnail(album.get(currentView().photo)?.address);
  picker.focus();
}

function removePhoto() {
  const { q, category } = currentView();
  picker.focus();
  return go({ q, category });
}

/** @param {MouseEvent} event */
function followLink(event) {
  const link = event.target.closest("a[data-category], a[data-view]");
  if (!link || !screen.isPlain(event)) return;
  event.preventDefault();
  go({ category: link.dataset.category ?? "" }).then(screen.focusResults);
}

/**
 * A product that was opened, here or in a new tab, while an answer to a photo or words is shown.
 *
 * @param {MouseEvent} event
 */
function noteClick(event) {
  const card = event.target.closest("a.card-body")?.closest(".card");
  const view = currentView();
  const query = album.get(view.photo)?.answer.query_id ?? view.query;
  if (!card || !query) return;
  const position = [...card.parentElement.children].indexOf(card) + 1;
  report(query, { kind: "click", sku: card.dataset.sku, position });
}

function start() {
  history.replaceState({ photo: 0, query: history.state?.query ?? "" }, "");
  adopt(document.getElementById("goods"));
  const { cursor } = document.getElementById("more").dataset;
  if (cursor) screen.showMore(nextPage(currentView(), cursor));
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    go({ q: box.value.trim().replace(/\s+/g, " ") });
  });
  const filters = document.getElementById("filters");
  filters.addEventListener("submit", (event) => {
    event.preventDefault();
    const { photo, query } = currentView();
    go({ ...Object.fromEntries(new FormData(filters)), photo, query });
  });
  document.getElementById("filters-reset").addEventListener("click", (event) => {
    if (!screen.isPlain(event)) return;
    event.preventDefault();
    const { q, category, photo, query } = currentView();
    go({ q, category, photo, query }).then(screen.focusResults);
  });
  document.getElementById("cancel").addEventListener("click", cancel);
  document.getElementById("photo-remove").addEventListener("click", removePhoto);
  document.addEventListener("click", followLink);
  for (const kind of ["click", "auxclick"]) {
    document.getElementById("goods").addEventListener(kind, noteClick);
  }
  picker.addEventListener("photo", (event) => searchPhoto(event.detail));
  picker.addEventListener("photo-refused", (event) => screen.showProblem(event.detail, () => {}));
  window.addEventListener("popstate", () => show(currentView()));
  countOwn();
}

start();
