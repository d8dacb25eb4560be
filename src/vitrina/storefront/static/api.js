/**
 * The shop's HTTP interface. Nothing here knows the page.
 */

import { visitor } from "./events.js";
import { page } from "./texts.js";

/**
 * @typedef {{ sku: string, name: string, price: string | null, currency: string | null,
 *   url: string | null, image_url: string | null, in_stock: boolean }} Product
 * @typedef {import("./texts.js").Category & { confidence: number }} Candidate
 * @typedef {{ query_id: string, decision: "category" | "unsure" | "unknown",
 *   category: Candidate | null, alternatives: Candidate[], products: Product[] }} PhotoAnswer
 * @typedef {{ query_id?: string | null, products: Product[], total: number | null, next_cursor: string | null,
 *   corrected?: string | null }} Findings corrected: what was searched instead of what was typed;
 *   query_id: what events name this search by
 */

/** Goods asked for at once. */
export const PAGE_SIZE = 24;

/** What a search may leave out, as the address and the page's form name it. */
export const FILTERS = ["price_min", "price_max", "in_stock"];

/** A request that came to nothing; `code` is a problem document's, or `offline`, `unreachable`. */
export class Problem extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/**
 * @param {Blob} photo
 * @param {AbortSignal} signal
 * @returns {Promise<PhotoAnswer>}
 */
export function searchByPhoto(photo, signal) {
  const headers = { "Content-Type": photo.type || "application/octet-stream" };
  const asked = new URLSearchParams({ limit: String(PAGE_SIZE), visitor: visitor() });
  return ask(`/v1/search/photo?${asked}`, { method: "POST", body: photo, headers, signal });
}

/**
 * @param {Record<string, string | number>} wanted what is empty, or no part of it, is left out;
 *   with a `query` it belongs to a search that was counted before
 * @param {AbortSignal} [signal]
 * @param {number} [limit]
 * @returns {Promise<Findings>}
 */
export function searchByText(wanted, signal, limit = PAGE_SIZE) {
  const address = new URLSearchParams({ limit: String(limit) });
  if (wanted.query || wanted.photo) address.set("counted", "false");
  for (const part of ["q", "category", ...FILTERS, "cursor"]) {
    if (wanted[part]) address.set(part, String(wanted[part]));
  }
  return ask(`/v1/search?${address}`, { signal });
}

/**
 * @param {string} address
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
async function ask(address, options) {
  const headers = { ...options.headers, "Accept-Language": page.language };
  try {
    const response = await fetch(address, { ...options, headers });
    if (!response.ok) throw new Problem(await problemCode(response));
    return await response.json();
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") throw error;
    // fetch says TypeError for every failure of the road, json() SyntaxError for a cut answer.
    throw new Problem(navigator.onLine ? "unreachable" : "offline");
  }
}

/**
 * The code of a refusal. A proxy before the shop may refuse without a problem document.
 *
 * @param {Response} response
 * @returns {Promise<string>}
 */
async function problemCode(response) {
  try {
    const { code } = await response.json();
    if (typeof code === "string") return code;
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  if (response.status === 413) return "photo_too_large";
  return [429, 502, 503, 504].includes(response.status) ? "busy" : "internal";
}
