/**
 * `<photo-picker>`: every way in which a photo comes to the page. The button (file or camera), paste
 * anywhere, a picture dragged onto the page.
 *
 * Tells with an event `photo` whose `detail` is the file, or `photo-refused` whose `detail` is the
 * code of the problem.
 */
class PhotoPicker extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("#photo-button");
    this.menu = this.querySelector("#photo-menu");
    this.drop = document.getElementById("drop");
    this.listening = new AbortController();
    this.#listenToButton();
    this.#listenToPage();
  }

  disconnectedCallback() {
    this.listening.abort();
  }

  /** Puts the keyboard back where the photo came from. */
  focus() {
    this.button.focus();
  }

  #listenToButton() {
    const { signal } = this.listening;
    this.button.addEventListener("click", () => this.#press(), { signal });
    for (const choice of this.menu.querySelectorAll("[data-choose]")) {
      choice.addEventListener("click", () => this.#choose(choice.dataset.choose), { signal });
    }
    for (const input of this.querySelectorAll("input[type=file]")) {
      input.addEventListener("change", () => this.#chosen(input), { signal });
    }
    // A menu that opens has to say so; where there is no menu there is nothing to say.
    if (hasCamera()) this.#toggleMenu(false);
    this.addEventListener("keydown", (event) => this.#closeByKey(event), { signal });
    document.addEventListener("click", (event) => this.#closeFromOutside(event), { signal });
  }

  #listenToPage() {
    const { signal } = this.listening;
    document.addEventListener("paste", (event) => this.#paste(event), { signal });
    document.addEventListener("dragenter", (event) => this.#dragOver(event), { signal });
    document.addEventListener("dragover", (event) => this.#dragOver(event), { signal });
    document.addEventListener("dragleave", (event) => this.#dragLeave(event), { signal });
    document.addEventListener("drop", (event) => this.#dropped(event), { signal });
  }

  #press() {
    if (hasCamera()) this.#toggleMenu(this.menu.hidden);
    else this.#choose("file");
  }

  /** @param {string} way */
  #choose(way) {
    this.#toggleMenu(false);
    this.querySelector(way === "camera" ? "#photo-camera" : "#photo-file").click();
  }

  /** @param {HTMLInputElement} input */
  #chosen(input) {
    const [file] = input.files;
    if (file) this.#give(file);
    // Else choosing the same file again would change nothing and so say nothing.
    input.value = "";
  }

  /** @param {boolean} open */
  #toggleMenu(open) {
    this.menu.hidden = !open;
    if (!hasCamera()) return;
    this.button.setAttribute("aria-expanded", String(open));
    this.button.setAttribute("aria-controls", this.menu.id);
    if (open) this.menu.querySelector("button").focus();
  }

  /** @param {KeyboardEvent} event */
  #closeByKey(event) {
    if (event.key !== "Escape" || this.menu.hidden) return;
    this.#toggleMenu(false);
    this.focus();
  }

  /** @param {MouseEvent} event */
  #closeFromOutside(event) {
    if (!this.menu.hidden && !this.contains(event.target)) this.#toggleMenu(false);
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    const file = firstPicture(event.clipboardData);
    // Office programs copy text together with its picture: in a text box the text is meant.
    const textIsMeant =
      event.target instanceof HTMLInputElement && event.clipboardData.types.includes("text/plain");
    if (!file || textIsMeant) return;
    event.preventDefault();
    this.#give(file);
  }

  /** @param {DragEvent} event */
  #dragOver(event) {
    if (!bringsPicture(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.drop.hidden = false;
  }

  /** @param {DragEvent} event */
  #dragLeave(event) {
    // Leaving one element for another is no leaving; leaving the window has no other side.
    if (event.relatedTarget === null) this.drop.hidden = true;
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    this.drop.hidden = true;
    if (!bringsPicture(event.dataTransfer)) return;
    event.preventDefault();
    const file = firstPicture(event.dataTransfer) ?? event.dataTransfer.files[0];
    if (file) this.#give(file);
    else this.#refuse("not_a_file");
  }

  /** @param {File} file */
  #give(file) {
    if (!this.menu.hidden) this.#toggleMenu(false);
    if (file.size === 0) return this.#refuse("photo_empty");
    // An unknown kind may still be a photo (HEIC has no name on some systems); a PDF is none.
    if (file.type && !file.type.startsWith("image/")) return this.#refuse("photo_type");
    this.dispatchEvent(new CustomEvent("photo", { detail: file }));
  }

  /** @param {string} code */
  #refuse(code) {
    this.dispatchEvent(new CustomEvent("photo-refused", { detail: code }));
  }
}

/** A finger for a pointer means a phone or a tablet: there a camera is at hand. */
function hasCamera() {
  return matchMedia("(pointer: coarse)").matches;
}

/**
 * Files, or a picture dragged from another page; selected text dragged about is none of ours.
 *
 * @param {DataTransfer} carried
 * @returns {boolean}
 */
function bringsPicture(carried) {
  return carried.types.includes("Files") || carried.types.includes("text/uri-list");
}

/**
 * @param {DataTransfer} carried
 * @returns {File | undefined}
 */
function firstPicture(carried) {
  return [...carried.files].find((file) => file.type.startsWith("image/"));
}

if (!customElements.get("photo-picker")) customElements.define("photo-picker", PhotoPicker);
