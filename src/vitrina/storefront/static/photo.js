/**
 * A photo before it is sent: large ones are made smaller here, so that a phone on a slow line
 * sends some hundred kilobytes and not ten megabytes.
 */

const LONGEST_SIDE = 1024;
const JPEG_QUALITY = 0.9;

/**
 * The photo as it will be sent: upright JPEG if it was large, else the file itself.
 *
 * A file that this browser cannot decode (HEIC, say) is sent as it is: the server may know better,
 * and its refusal names the reason.
 *
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function prepare(file) {
  const bitmap = await decode(file);
  if (!bitmap) return file;
  const scale = LONGEST_SIDE / Math.max(bitmap.width, bitmap.height);
  const smaller = scale < 1 ? await draw(bitmap, scale) : null;
  bitmap.close();
  return smaller ?? file;
}

/**
 * @param {Blob} file
 * @returns {Promise<ImageBitmap | null>}
 */
async function decode(file) {
  try {
    // Older browsers do not know the word, and turn photos without it.
    return await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() =>
      createImageBitmap(file),
    );
  } catch {
    return null;
  }
}

/**
 * @param {ImageBitmap} bitmap
 * @param {number} scale
 * @returns {Promise<Blob | null>} null where the browser has no memory for it
 */
function draw(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) return Promise.resolve(null);
  // JPEG knows no transparency: without this a cut-out product would stand on black.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY));
}
