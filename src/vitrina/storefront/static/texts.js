/**
 * What the server wrote into the page for its scripts: the language, its sentences, the categories.
 */

/**
 * @typedef {{ id: string, name: string, search_text: string }} Category
 * @typedef {{ language: "ru" | "en", keptLanguage: string, texts: Record<string, string>,
 *   categories: Category[] }} PageData
 */

/** @type {PageData} */
export const page = JSON.parse(document.getElementById("page-data").textContent);

/**
 * A sentence in the page's language.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values] what its placeholders stand for
 * @returns {string}
 */
export function say(key, values = {}) {
  return page.texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/**
 * The sentence for a problem's code; a code from a newer server reads as `internal`.
 *
 * @param {string} code
 * @returns {string}
 */
export function sayProblem(code) {
  const key = `error_${code}`;
  return say(Object.hasOwn(page.texts, key) ? key : "error_internal");
}
