/**
 * Tells the shop what became of an answer to a photo or to words: which chip, which product. Nothing is told of
 * who it was: the id below is made here at random, and is gone when this tab is closed.
 */

const ADDRESS = "/v1/events";
const KEPT = "vitrina-visitor";

/** @returns {string} 128 random bits as hexadecimal digits */
function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @returns {string} what this tab is called; empty where nothing may be kept */
export function visitor() {
  try {
    const known = sessionStorage.getItem(KEPT) ?? random();
    sessionStorage.setItem(KEPT, known);
    return known;
  } catch {
    // A browser may forbid keeping anything: then each event is somebody's that nobody knows.
    return "";
  }
}

/**
 * Sends one event, also while the page is being left. Whether it arrives, no shopper has to know.
 *
 * @param {string} query `query_id` of the answer
 * @param {{ kind: "chip" | "click", category?: string, sku?: string, position?: number }} event
 */
export function report(query, event) {
  const named = visitor();
  const batch = { query_id: query, events: [{ id: random(), ...event }] };
  if (named) batch.visitor = named;
  navigator.sendBeacon?.(ADDRESS, JSON.stringify(batch));
}
