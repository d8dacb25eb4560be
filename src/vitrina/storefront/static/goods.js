/**
 * Products and chips as elements. What comes from the shop goes in as text, never as HTML.
 */

import { page, say } from "./texts.js";

/** A picture that the shop's own server has, and has in several sizes. */
const OWN_PICTURE = /^\/photos\/[0-9a-f]{64}$/;

/**
 * @param {import("./api.js").Product} product
 * @returns {HTMLLIElement}
 */
export function card(product) {
  const body = element("a", "card-body");
  body.href = safeAddress(product.url) || ownPage(product.sku);
  body.append(
    picture(product),
    element("h3", "card-name", product.name),
    price(product),
    product.in_stock
      ? element("p", "stock stock-in", say("in_stock"))
      : element("p", "stock", say("out_of_stock")),
  );
  const item = element("li", "card");
  item.dataset.sku = product.sku;
  item.append(body);
  return item;
}

/**
 * A category to press.
 *
 * @param {import("./texts.js").Category} category
 * @param {boolean} pressed
 * @param {(category: import("./texts.js").Category) => void} onPress
 * @returns {HTMLLIElement}
 */
export function chip(category, pressed, onPress) {
  const button = element("button", "chip", category.name);
  button.type = "button";
  button.dataset.category = category.id;
  button.setAttribute("aria-pressed", String(pressed));
  button.addEventListener("click", () => onPress(category));
  const item = element("li");
  item.append(button);
  return item;
}

/**
 * Finishes the cards that the server wrote: the browser knows better how its people write prices.
 *
 * @param {HTMLElement} list
 */
export function adopt(list) {
  for (const amount of list.querySelectorAll("data[data-currency]")) {
    amount.textContent = formatPrice(amount.value, amount.dataset.currency);
  }
  for (const image of list.querySelectorAll(".picture img")) withoutPicture(image);
}

/**
 * @param {string} amount a decimal number
 * @param {string} currency
 * @returns {string}
 */
function formatPrice(amount, currency) {
  const number = Number(amount);
  const digits = Number.isInteger(number) ? 0 : 2;
  try {
    if (Number.isNaN(number)) throw new RangeError(amount);
    return new Intl.NumberFormat(page.language, {
      style: "currency",
      currency,
      currencyDisplay: "narrowSymbol",
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(number);
  } catch {
    // What Intl cannot write is shown as the shop wrote it.
    return `${amount} ${currency}`.trim();
  }
}

/** @param {import("./api.js").Product} product */
function price(product) {
  if (product.price === null) return element("p", "price price-none", say("no_price"));
  const amount = element("data", "", formatPrice(product.price, product.currency ?? ""));
  amount.value = product.price;
  const line = element("p", "price");
  line.append(amount);
  return line;
}

/** @param {import("./api.js").Product} product */
function picture(product) {
  const frame = element("span", "picture");
  const address = safeAddress(product.image_url);
  if (!address) return frame;
  const image = element("img");
  Object.assign(image, { alt: "", width: 320, height: 320, loading: "lazy", decoding: "async" });
  withoutPicture(image);
  if (OWN_PICTURE.test(product.image_url)) {
    image.sizes = "(max-width: 32.5rem) 46vw, 15rem";
    image.srcset = `${address}/320 320w, ${address}/640 640w`;
    image.src = `${address}/320`;
  } else image.src = address;
  frame.append(image);
  return frame;
}

/**
 * A picture that does not come leaves its frame, which then shows the sign for "no picture".
 *
 * @param {HTMLImageElement} image
 */
function withoutPicture(image) {
  if (image.complete && image.src && image.naturalWidth === 0) image.remove();
  else image.addEventListener("error", () => image.remove(), { once: true });
}

/**
 * @param {string | null} address
 * @returns {string} empty where a browser must not follow it: a feed may hold `javascript:`
 */
function safeAddress(address) {
  if (!address) return "";
  try {
    const url = new URL(address, location.href);
    return ["http:", "https:"].includes(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

/**
 * @param {string} sku
 * @returns {string} the page that this server has for a product which has none elsewhere
 */
function ownPage(sku) {
  const kept = new URLSearchParams(page.keptLanguage ? { lang: page.keptLanguage } : {});
  // browsers take these, however encoded, for folders
  const dots = [".", ".."].includes(sku);
  if (dots) kept.set("article", sku);
  const query = String(kept);
  return `/product/${dots ? "" : encodeURIComponent(sku)}${query && `?${query}`}`;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
