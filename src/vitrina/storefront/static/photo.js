/**
 * A photo before it is sent: turned upright and made small here, so that a phone on a slow line
 * sends some ten kilobytes and not ten megabytes, and nothing of where and with what it was taken.
 */

const LONGEST_SIDE = 640;
const MOST_BYTES = 120_000;
const QUALITIES = [0.88, 0.75, 0.6];

/**
 * The photo as it will be sent: an upright JPEG of at most `MOST_BYTES`, without EXIF.
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
  let small = null;
  for (let longest = LONGEST_SIDE; !small && longest > 100; longest *= 0.75) {
    small = await draw(bitmap, Math.min(1, longest / Math.max(bitmap.width, bitmap.height)));
  }
  bitmap.close();
  return small ?? file;
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
 * @returns {Promise<Blob | null>} null where it is too large so, or there is no memory for it
 */
async function draw(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  if (!context) return null;
  // JPEG knows no transparency: without this a cut-out product would stand on black.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  for (const quality of QUALITIES) {
    const jpeg = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
    if (jpeg && jpeg.size <= MOST_BYTES) return jpeg;
  }
  return null;
}
