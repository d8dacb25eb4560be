/**
 * One tag puts a Photo button into a shop's own search field; docs/widget.md says how.
 *
 * Photos are cropped, turned upright and made small here: what leaves is a JPEG without EXIF.
 * The page keeps its globals.
 */
(() => {
  "use strict";

  const TAG = "vitrina-photo";
  const USUAL_INPUTS = "input[type=search],input[name=search],input[name=q],input[name=s]";
  const LONGEST_SIDE = 640;
  const MOST_BYTES = 120_000;
  const QUALITIES = [0.85, 0.75, 0.65, 0.5];
  const PREVIEW_SIDE = 960;
  const ANSWER_MS = 45_000;
  const DARK = "(prefers-color-scheme: dark)";
  const LEAST_CROP = 0.05; // share of a side

  const TEXTS = {
    "ru": {
      "button": "Фото",
      "title": "Найти по фото",
      "close": "Закрыть",
      "camera": "Сфотографировать",
      "gallery": "Выбрать из галереи",
      "file": "Выбрать снимок",
      "drop": "Перетащите снимок сюда или вставьте из буфера",
      "drop_here": "Отпустите снимок здесь",
      "photo": "Ваше фото",
      "crop": "Если на снимке есть лишнее, обведите вещь.",
      "cut_x0": "Отрезать слева",
      "cut_y0": "Отрезать сверху",
      "cut_x1": "Отрезать справа",
      "cut_y1": "Отрезать снизу",
      "whole": "Весь снимок",
      "find": "Найти",
      "other": "Другой снимок",
      "again": "Обвести иначе",
      "opening": "Открываем снимок…",
      "searching": "Ищем похожее…",
      "cancel": "Отменить",
      "cancelled": "Поиск отменён.",
      "retry": "Повторить",
      "retry_in": "Повторить через {seconds} с",
      "filled": "В строке поиска: «{text}».",
      "other_category": "Не то? Может быть, это:",
      "unsure": "Похоже на одно из этого:",
      "unknown": "Кажется, такого у нас нет. Опишите вещь словами или снимите её одну, крупно, на ровном фоне.",
      "words": "Искать словами",
      "near": "Самое похожее",
      "nearest": "Ближе всего из того, что есть",
      "all": "Вся категория «{name}»",
      "shown": "По вашему фото показано: {count}",
      "empty": "Ничего не нашлось",
      "in_stock": "В наличии",
      "out_of_stock": "Нет в наличии",
      "no_price": "Цену уточняйте",
      "error_photo_type": "Этот файл не открывается как снимок. Подойдёт JPEG, PNG, WebP, HEIC или AVIF.",
      "error_photo_too_large": "Файл слишком большой. Выберите снимок поменьше.",
      "error_photo_dimensions": "Размеры снимка не подходят: он слишком велик, слишком мал или слишком узок. Выберите другой.",
      "error_photo_damaged": "Снимок пуст или повреждён и не открывается. Сохраните его заново или выберите другой.",
      "error_no_bundle": "Поиск по фото в этом магазине ещё не включён. Поиск словами работает.",
      "error_busy": "Сейчас ищут очень многие. Повторите через несколько секунд.",
      "error_rate": "Слишком много снимков подряд. Подождите немного и повторите.",
      "error_internal": "У нас что-то сломалось. Повторите чуть позже.",
      "error_offline": "Нет связи с интернетом. Проверьте подключение и повторите.",
      "error_unreachable": "Не получилось связаться с магазином. Проверьте подключение и повторите."
    },
    "en": {
      "button": "Photo",
      "title": "Search by photo",
      "close": "Close",
      "camera": "Take a photo",
      "gallery": "Choose from the gallery",
      "file": "Choose a picture",
      "drop": "Drag a picture here or paste it",
      "drop_here": "Drop the picture here",
      "photo": "Your photo",
      "crop": "If there is more in the picture, draw a frame around the thing.",
      "cut_x0": "Cut from the left",
      "cut_y0": "Cut from the top",
      "cut_x1": "Cut from the right",
      "cut_y1": "Cut from the bottom",
      "whole": "Whole picture",
      "find": "Search",
      "other": "Another picture",
      "again": "Another frame",
      "opening": "Opening the picture…",
      "searching": "Looking for the like…",
      "cancel": "Cancel",
      "cancelled": "Search cancelled.",
      "retry": "Try again",
      "retry_in": "Try again in {seconds} s",
      "filled": "In the search box: “{text}”.",
      "other_category": "Not it? Perhaps:",
      "unsure": "It looks like one of these:",
      "unknown": "We do not seem to have this. Describe it in words, or photograph the thing alone, up close, on a plain background.",
      "words": "Search in words",
      "near": "Most alike",
      "nearest": "The nearest that we have",
      "all": "All of “{name}”",
      "shown": "Shown for your photo: {count}",
      "empty": "Nothing found",
      "in_stock": "In stock",
      "out_of_stock": "Out of stock",
      "no_price": "Ask for the price",
      "error_photo_type": "This file does not open as a picture. JPEG, PNG, WebP, HEIC or AVIF will do.",
      "error_photo_too_large": "The file is too large. Choose a smaller picture.",
      "error_photo_dimensions": "The size of the picture does not suit: it is too big, too small or too narrow. Choose another.",
      "error_photo_damaged": "The picture is empty or damaged and does not open. Save it again or choose another.",
      "error_no_bundle": "Search by photo is not switched on in this shop yet. Search in words works.",
      "error_busy": "Very many people are searching now. Try again in a few seconds.",
      "error_rate": "Too many pictures one after another. Wait a little and try again.",
      "error_internal": "Something broke on our side. Try again a little later.",
      "error_offline": "There is no internet connection. Check it and try again.",
      "error_unreachable": "We could not reach the shop. Check your connection and try again."
    }
  };
  // For refusals without a sentence of their own: a proxy may refuse before the server does.
  const BY_STATUS = {
    408: "unreachable",
    413: "photo_too_large",
    415: "photo_type",
    422: "photo_damaged",
    429: "rate",
    502: "busy",
    503: "busy",
    504: "busy",
  };
  const PASSING = ["busy", "rate", "internal", "offline", "unreachable"];

  // Rules of the shop's page reach the host; only what is !important here is out of their reach.
  const STYLES = `
:host {
  all: initial !important; display: block !important; position: absolute !important;
  left: 0 !important; top: 0 !important; width: 0 !important; height: 0 !important;
  z-index: var(--vitrina-z, 3) !important; visibility: inherit !important; pointer-events: inherit !important;
  font-family: var(--vitrina-font, inherit) !important;
}
:host([data-place=after]) {
  display: inline-block !important; position: static !important; vertical-align: middle !important;
  width: auto !important; height: auto !important;
}
*, ::before { box-sizing: border-box; }
[hidden] { display: none !important; }
button { font: inherit; color: inherit; cursor: pointer; touch-action: manipulation; }
svg { flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
p, h2, h3, ul { margin: 0; padding: 0; font-size: 1em; list-style: none; }
:focus-visible { outline: 3px solid var(--a); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.open, .drop { position: absolute; font-size: 14px; font-weight: 600; line-height: 1; white-space: nowrap; }
.open {
  display: flex; align-items: center; justify-content: center; gap: 6px;
  min-width: 24px; margin: 0; padding: 0 10px; border: 1px solid transparent;
  border-radius: var(--vitrina-button-radius, 8px); color: var(--vitrina-button-color, var(--field));
  background: var(--vitrina-button-background, color-mix(in srgb, currentColor 9%, transparent));
}
.open:hover { border-color: currentColor; }
.open:focus-visible { outline: 2px solid; outline-offset: -2px; }
.icon { padding: 0; }
:host([data-place=after]) .open { position: static; min-height: 40px; }
.drop {
  display: grid; place-items: center; overflow: hidden; pointer-events: none;
  border: 2px dashed var(--vitrina-accent, #0f5f57); border-radius: 8px; background: #fff; color: #1d1c1a;
}
dialog {
  --a: var(--vitrina-accent, #0f5f57); --on: var(--vitrina-on-accent, #fff);
  --s: var(--vitrina-surface, #fff); --i: var(--vitrina-ink, #1d1c1a);
  --good: var(--vitrina-good, #1b6e3c); --bad: var(--vitrina-bad, #93261d);
  --soft: color-mix(in srgb, var(--i) 72%, var(--s)); --strong: color-mix(in srgb, var(--i) 55%, var(--s));
  --line: color-mix(in srgb, var(--i) 15%, var(--s)); --wash: color-mix(in srgb, var(--i) 6%, var(--s));
  --r: var(--vitrina-radius, 14px);
  color-scheme: light; flex-direction: column; width: min(480px, 100vw - 32px); max-width: none;
  max-height: calc(100dvh - 32px); margin: auto; padding: 0; border: 1px solid transparent; border-radius: calc(var(--r) + 4px);
  overflow: hidden; background: var(--s); color: var(--i); box-shadow: 0 12px 48px rgb(0 0 0 / 28%);
  font-size: var(--vitrina-font-size, 16px); line-height: 1.45; overflow-wrap: anywhere;
}
.dark {
  --a: var(--vitrina-accent, #7fd1c4); --on: var(--vitrina-on-accent, #0a2522);
  --s: var(--vitrina-surface, #201f1e); --i: var(--vitrina-ink, #efede8);
  --good: var(--vitrina-good, #7fcf9b); --bad: var(--vitrina-bad, #ffb1a6);
  color-scheme: dark;
}
[open] { display: flex; }
dialog::backdrop { background: rgb(15 14 12 / 55%); }
dialog.panel { width: min(1040px, 100vw - 32px); }
.top { display: flex; align-items: center; justify-content: space-between; padding: 12px 12px 4px 20px; }
h2 { font-size: 1.125em; }
.close { display: grid; place-items: center; width: 44px; height: 44px; padding: 0; border: 0; border-radius: 50%; background: none; font-size: 1.75em; line-height: 1; }
.close:hover, .do:hover, .chip:hover { background: var(--wash); }
.body { overflow-y: auto; overscroll-behavior: contain; padding: 4px 20px 20px; }
.body > * + * { margin-top: 14px; }
[tabindex="-1"]:focus { outline: none; }
.row, .chips { display: flex; flex-wrap: wrap; gap: 10px; }
.row .do { flex: auto; }
.do, .chip { min-height: 46px; padding: 8px 18px; border: 1px solid var(--strong); border-radius: var(--r); background: none; }
.do { display: flex; align-items: center; justify-content: center; gap: 8px; font-weight: 600; }
.first, [aria-pressed=true] { border-color: var(--a); background: var(--a) !important; color: var(--on); }
.first:hover { filter: brightness(1.08); }
:disabled { border-color: var(--line); background: var(--wash) !important; color: var(--soft); cursor: default; }
.zone { display: grid; justify-items: center; text-align: center; gap: 6px; padding: 28px 16px; border: 2px dashed var(--strong); border-radius: var(--r); }
.zone svg { color: var(--a); }
.choose .do { width: 100%; }
.link { min-height: 40px; padding: 4px; border: 0; color: var(--soft); text-decoration: underline; }
.soft { color: var(--soft); font-size: 0.9375em; }
.stage { position: relative; width: fit-content; margin-inline: auto; touch-action: none; cursor: crosshair; }
canvas { display: block; max-width: 100%; max-height: min(52vh, 420px); border-radius: 6px; }
.shade { position: absolute; inset: 0; overflow: hidden; border-radius: 6px; pointer-events: none; }
.hole, .frame { position: absolute; }
.hole { box-shadow: 0 0 0 2000px rgb(0 0 0 / 55%); }
.frame { border: 2px solid #fff; outline: 1px solid #000; }
.part { cursor: move; }
.grip { position: absolute; display: grid; place-items: center; width: 32px; height: 32px; margin: -16px; border-radius: 8px; cursor: pointer; }
.grip::before { content: ""; width: 12px; height: 12px; border: 1px solid #000; border-radius: 6px; background: #fff; }
.grip:focus-visible { outline: 2px solid #000; outline-offset: 0; background: #fff; }
.wait { display: grid; gap: 14px; justify-items: center; text-align: center; }
.bar { position: relative; width: 100%; height: 6px; overflow: hidden; border-radius: 3px; background: var(--line); }
.bar::before { content: ""; position: absolute; inset: 0 60% 0 0; background: var(--a); }
.alert { padding: 12px 14px; border: 1px solid; border-radius: var(--r); color: var(--bad); }
.told { display: flex; gap: 14px; align-items: center; }
.wait canvas { max-height: 180px; }
.told canvas { max-width: 84px; }
.alert, .lead, .price { font-weight: 600; }
.chip { border-radius: 23px; text-align: start; }
.goods { display: grid; grid-template-columns: repeat(auto-fill, minmax(142px, 1fr)); gap: 12px; }
.card { display: flex; flex-direction: column; gap: 4px; height: 100%; padding: 10px; border: 1px solid var(--line); border-radius: var(--r); color: inherit; text-decoration: none; }
a.card:hover { border-color: var(--strong); }
.picture { aspect-ratio: 1; border-radius: 8px; overflow: hidden; background: #fff; }
.picture:empty { background: var(--wash); }
img { display: block; width: 100%; height: 100%; object-fit: contain; }
.name { display: -webkit-box; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: 3; font-size: 0.9375em; }
.price { margin-top: auto; }
.in { color: var(--good); }
@media (max-width: 600px) {
  dialog, dialog.panel { width: 100%; max-height: 94dvh; margin: auto 0 0; border-radius: calc(var(--r) + 4px) calc(var(--r) + 4px) 0 0; }
  .top { padding-left: 16px; }
  .body { padding: 4px 16px calc(16px + env(safe-area-inset-bottom)); }
}
@media (prefers-reduced-motion: no-preference) {
  [open] { animation: rise 0.18s ease-out; }
  .bar::before { animation: run 1.2s ease-in-out infinite; }
  @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
  @keyframes run { from { left: -40%; right: 100%; } to { left: 100%; right: -40%; } }
}
`;

  function make(tag, given, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  function camera(size = 20) {
    const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
    const given = { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": true };
    for (const [key, value] of Object.entries(given)) svg.setAttribute(key, value);
    path.setAttribute("d", "M3 8h4l2-3h6l2 3h4v11H3zM12 9.5a3.6 3.6 0 1 0 .01 0z");
    svg.append(path);
    return svg;
  }

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** Empty where a browser must not follow it: a feed may hold `javascript:`. */
  function safeAddress(address, base) {
    try {
      const url = new URL(address, base);
      return address && /^https?:$/.test(url.protocol) ? url.href : "";
    } catch {
      return "";
    }
  }

  function visitor() {
    try {
      return (sessionStorage[TAG] ??= crypto.randomUUID());
    } catch {
      return "";
    }
  }

  const hasCamera = () => matchMedia("(pointer: coarse)").matches;

  /** Whether a colour, in any notation, is that of text on dark. */
  function isLight(colour) {
    const pen = make("canvas", { width: 1, height: 1 }).getContext("2d");
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
    return 3 * red + 6 * green + blue > 1275;
  }

  class Problem extends Error {
    constructor(code, status = 0, retryAfter = 0) {
      super(code);
      Object.assign(this, { code, status, retryAfter });
    }
  }

  /** What is cut out of a photo, in shares of its sides. */
  const whole = () => ({ x: [0, 1], y: [0, 1] });

  /** The photo upright; null for HEIC and AVIF that only the server may be able to read. */
  async function open(file) {
    try {
      // Older browsers turn photos without the word.
      return await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => createImageBitmap(file));
    } catch {
      if (/ftyp(hei|hev|mif1|msf1|avi)/.test(await file.slice(4, 12).text())) return null;
      // Anything else would take its EXIF along for nothing.
      throw new Problem(/jpe?g|png|webp/.test(file.type) ? "photo_damaged" : "photo_type");
    }
  }

  function draw(bitmap, { x, y }, longest, enlarge) {
    const width = (x[1] - x[0]) * bitmap.width;
    const height = (y[1] - y[0]) * bitmap.height;
    const fits = longest / Math.max(width, height);
    const scale = enlarge ? fits : Math.min(1, fits);
    const canvas = make("canvas", {
      width: Math.max(1, Math.round(width * scale)),
      height: Math.max(1, Math.round(height * scale)),
    });
    const pen = canvas.getContext("2d");
    // A transparent picture would stand on black.
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, x[0] * bitmap.width, y[0] * bitmap.height, width, height, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  async function encode(bitmap, region) {
    for (let longest = LONGEST_SIDE; ; longest *= 0.8) {
      const canvas = draw(bitmap, region, longest);
      for (const quality of QUALITIES) {
        const jpeg = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
        if (!jpeg) throw new Problem("photo_dimensions");
        if (jpeg.size <= MOST_BYTES) return jpeg;
      }
    }
  }

  /** The picture under a frame. */
  function cropper(picture, region, say) {
    const hole = make("div", { className: "hole" });
    const frame = make("div", { className: "frame" });
    const stage = make("div", { className: "stage" }, picture, make("div", { className: "shade" }, hole), frame);
    const isWhole = () => region.x[1] - region.x[0] + region.y[1] - region.y[0] > 1.99;
    const set = (axis, end, to) => {
      const [low, high] = region[axis];
      region[axis] = end ? [low, clamp(to, low + LEAST_CROP, 1)] : [clamp(to, 0, high - LEAST_CROP), high];
    };
    const put = (axis, from, size) => {
      const low = clamp(from, 0, 1 - size);
      region[axis] = [low, low + size];
    };

    // A grip pulls one edge, and is a slider; or, for pointers only, the two of a corner.
    for (const x of [0, 0.5, 1]) {
      for (const y of [0, 0.5, 1]) {
        const pulls = Object.entries({ x, y }).filter(([, end]) => end !== 0.5);
        if (!pulls.length) continue;
        const [[axis, end], corner] = pulls;
        const slider = { role: "slider", tabIndex: 0, "aria-label": say(`cut_${axis}${end}`), "aria-valuemax": 95 };
        const grip = make("span", { className: "grip", ...(corner ? {} : slider) });
        grip.pulls = pulls;
        grip.style.left = `${x * 100}%`;
        grip.style.top = `${y * 100}%`;
        frame.append(grip);
        grip.onkeydown = (event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
          if (!step) return;
          event.preventDefault();
          set(axis, end, region[axis][end] + step * (event.shiftKey ? 0.1 : 0.02));
          show();
        };
      }
    }

    function show() {
      for (const { style } of [hole, frame]) {
        for (const [axis, from, size] of [["x", "left", "width"], ["y", "top", "height"]]) {
          style[from] = `${region[axis][0] * 100}%`;
          style[size] = `${(region[axis][1] - region[axis][0]) * 100}%`;
        }
      }
      frame.classList.toggle("part", !isWhole());
      for (const slider of frame.querySelectorAll("[role]")) {
        const [axis, end] = slider.pulls[0];
        const cut = Math.round(100 * Math.abs(end - region[axis][end]));
        slider.setAttribute("aria-valuenow", cut);
        slider.setAttribute("aria-valuetext", `${cut} %`);
      }
    }

    stage.onpointerdown = (start) => {
      if (start.button) return;
      const box = stage.getBoundingClientRect();
      const share = ({ clientX, clientY }) => ({
        x: clamp((clientX - box.left) / box.width, 0, 1),
        y: clamp((clientY - box.top) / box.height, 0, 1),
      });
      const first = share(start);
      const before = { ...region };
      const { pulls } = start.target;
      const moves = start.target === frame && !isWhole();
      let dragged = false;
      stage.setPointerCapture(start.pointerId);
      stage.onpointermove = (event) => {
        dragged ||= Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > 6;
        if (!dragged) return;
        const now = share(event);
        for (const [axis, end] of pulls ?? []) set(axis, end, before[axis][end] + now[axis] - first[axis]);
        for (const axis of pulls ? [] : ["x", "y"]) {
          const [low, high] = before[axis];
          if (moves) put(axis, low + now[axis] - first[axis], high - low);
          else put(axis, Math.min(first[axis], now[axis]), Math.max(LEAST_CROP, Math.abs(now[axis] - first[axis])));
        }
        show();
      };
      stage.onpointerup = stage.onpointercancel = (event) => {
        stage.onpointermove = stage.onpointerup = stage.onpointercancel = null;
        if (dragged || pulls || event.type !== "pointerup") return;
        // A tap, for those who do not drag; the next one makes the frame smaller.
        for (const axis of ["x", "y"]) {
          const [low, high] = before[axis];
          const size = moves ? Math.max(0.2, (high - low) * 0.75) : 0.6;
          put(axis, first[axis] - size / 2, size);
        }
        show();
      };
    };
    show();
    return { stage, reset: () => show(Object.assign(region, whole())) };
  }

  const bringsFile = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  const firstPicture = (carried) => [...carried.files].find((file) => file.type.startsWith("image/"));

  let sheet;

  class VitrinaPhoto extends HTMLElement {
    #root = this.attachShadow({ mode: "open" });
    #connected; // ends all listening when the element leaves the page
    #running; // the work under way; newer work ends it
    #counting;
    #bitmap;
    #region = whole();
    #changed = []; // of the input's style: [name, value and priority before us]
    #language;

    connectedCallback() {
      const { lang, input: wanted = USUAL_INPUTS } = this.dataset;
      const previous = this.previousElementSibling;
      /** The shop's own search field. */
      this.input = previous?.matches(wanted) ? previous : document.querySelector(wanted);
      if (!this.input) return;
      this.#language = /^ru\b/i.test(lang || this.closest("[lang]")?.lang || navigator.language) ? "ru" : "en";
      this.#connected = new AbortController();
      this.#build();
      this.#listen();
      this.place();
    }

    disconnectedCallback() {
      this.#connected?.abort();
      this.#restore();
      this.#closed();
    }

    get server() {
      return this.dataset.server || HOME;
    }

    get #panelled() {
      return this.dataset.results === "panel";
    }

    #say(key, values = {}) {
      return TEXTS[this.#language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
    }

    #build() {
      if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(STYLES);
      this.#root.adoptedStyleSheets = [sheet];
      const say = (key) => this.#say(key);
      const lang = this.#language;
      const chooser = (given) => {
        const input = make("input", { type: "file", hidden: true, ...given });
        input.onchange = () => {
          const [file] = input.files;
          // The same file again is a change.
          input.value = "";
          if (file) this.#take(file);
        };
        return input;
      };
      const named = (key) => ({ type: "button", title: say(key), "aria-label": say(key) });
      this.label = make("span", {}, say("button"));
      this.button = make("button", { ...named("title"), className: "open", part: "button", "aria-haspopup": "dialog", lang }, camera(), this.label);
      this.button.onclick = (event) => {
        // Inside a label the click would go on to the shop's field.
        event.preventDefault();
        this.#choose();
      };
      this.over = make("div", { className: "drop", hidden: true, lang }, say("drop_here"));
      this.heard = make("p", { className: "unseen", role: "status", lang });
      this.status = make("p", { className: "unseen", role: "status" });
      this.body = make("div", { className: "body", tabIndex: -1 });
      const close = make("button", { ...named("close"), className: "close", onclick: () => this.dialog.close() }, "×");
      const top = make("div", { className: "top" }, make("h2", { id: "title" }, say("title")), close);
      this.dialog = make("dialog", { part: "dialog", "aria-labelledby": "title", lang }, top, this.body, this.status);
      // Phones make JPEG of HEIC for "image/*"; desktops hide what is not named.
      this.file = chooser({ accept: `image/*${hasCamera() ? "" : ",.heic,.heif,.avif"}` });
      this.camera = chooser({ accept: "image/*" });
      this.camera.setAttribute("capture", "environment");
      this.#root.replaceChildren(this.button, this.over, this.heard, this.dialog, this.file, this.camera);
    }

    #listen() {
      const { signal } = this.#connected;
      const { input, dialog } = this;
      const on = (target, kinds, act) => {
        for (const kind of kinds.split(" ")) target.addEventListener(kind, act, { signal });
      };
      // What is pressed in the dialog is no business of the shop's scripts.
      on(dialog, "click keydown keyup keypress", (event) => event.stopPropagation());
      on(dialog, "click", ({ target, clientX, clientY }) => {
        const { left, right, top, bottom } = dialog.getBoundingClientRect();
        const inside = clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
        if (target === dialog && !inside) dialog.close();
      });
      on(dialog, "close", () => this.#closed());
      for (const target of [input, dialog]) {
        on(target, "paste", (event) => {
          const file = firstPicture(event.clipboardData);
          // Office programs copy text with its picture: in a text box the text is meant.
          if (!file || (target === input && event.clipboardData.types.includes("text/plain"))) return;
          event.preventDefault();
          this.#take(file);
        });
        on(target, "dragenter dragover drop", (event) => {
          const { dataTransfer, type } = event;
          if (!bringsFile(event)) return;
          event.preventDefault();
          dataTransfer.dropEffect = "copy";
          if (type !== "drop") return;
          this.#take(firstPicture(dataTransfer) ?? dataTransfer.files[0]);
        });
      }
      on(document, "dragenter dragleave drop dragend", (event) => {
        const { type, relatedTarget } = event;
        // Leaving one element for another is no leaving.
        if (type === "dragleave" && relatedTarget) return;
        this.over.hidden = type !== "dragenter" || !bringsFile(event) || this.button.hidden;
        this.follow();
      });
      on(input, "transitionend", () => this.follow());
      on(matchMedia(DARK), "change", () => this.follow());
      const sizes = new ResizeObserver(() => requestAnimationFrame(() => signal.aborted || this.place()));
      for (const watched of [input, input.parentElement, document.documentElement]) sizes.observe(watched);
      signal.onabort = () => sizes.disconnect();
    }

    /** Makes room in the shop's field and puts the button there. */
    place() {
      const { input, button, label, dataset } = this;
      if (dataset.place === "after") return;
      this.#restore();
      const box = input.getBoundingClientRect();
      const style = getComputedStyle(input);
      button.hidden = !box.width;
      if (button.hidden) return;
      const height = clamp(box.height - 8, 24, 40);
      label.hidden = dataset.label === "icon" || box.width < 260;
      button.classList.toggle("icon", label.hidden);
      button.style.height = `${height}px`;
      button.style.width = label.hidden ? `${Math.max(height, 32)}px` : "";
      // A field that keeps so much room to itself keeps it for a button of its own.
      const kept = parseFloat(style.paddingRight);
      const room = Number(dataset.inset) || (kept > 20 ? kept : 4);
      const width = parseFloat(style.width);
      this.inset = parseFloat(style.borderRightWidth) + room + button.offsetWidth;
      this.#change("padding-right", room + button.offsetWidth + 6);
      // Where the field grows with its padding, it must not.
      const grown = input.getBoundingClientRect().width - box.width;
      if (grown > 0.5) this.#change("width", width - grown);
      this.follow();
    }

    /** Goes where the field is now. */
    follow() {
      const { input, button, over, dataset } = this;
      if (!button || button.hidden || dataset.place === "after") return;
      const box = input.getBoundingClientRect();
      const { left, top } = this.getBoundingClientRect();
      const place = ({ style }, x, y) => {
        style.left = `${x - left}px`;
        style.top = `${y - top}px`;
      };
      button.style.setProperty("--field", getComputedStyle(input).color);
      place(button, box.right - this.inset, box.top + (box.height - button.offsetHeight) / 2);
      place(over, box.left, box.top);
      over.style.width = `${box.width}px`;
      over.style.height = `${box.height}px`;
    }

    #change(name, pixels) {
      const { style } = this.input;
      this.#changed.push([name, style.getPropertyValue(name), style.getPropertyPriority(name)]);
      style.setProperty(name, `${pixels}px`, "important");
    }

    #restore() {
      for (const before of this.#changed) this.input.style.setProperty(...before);
      this.#changed = [];
    }

    #show(view, content, focus = this.body, status = "") {
      const { dialog, body, dataset } = this;
      clearInterval(this.#counting);
      if (!dialog.open) dialog.showModal();
      const { theme = "auto" } = dataset;
      const dark = theme === "system" ? matchMedia(DARK).matches : theme === "dark";
      dialog.className = dark || (theme === "auto" && isLight(getComputedStyle(document.body).color)) ? `${view} dark` : view;
      body.replaceChildren(...content);
      body.scrollTop = 0;
      this.status.textContent = status;
      focus.focus({ preventScroll: true });
    }

    #do(key, onclick, kind = "") {
      return make("button", { type: "button", className: `do ${kind}`, part: kind === "first" ? "primary" : "secondary", onclick }, this.#say(key));
    }

    #row(...buttons) {
      return make("div", { className: "row" }, ...buttons);
    }

    #other(kind) {
      return this.#do("other", () => this.#choose(), kind);
    }

    #inWords(kind) {
      return this.#do("words", () => this.#words(), kind);
    }

    #choose() {
      this.#stop();
      const touch = hasCamera();
      const file = this.#do(touch ? "gallery" : "file", () => this.file.click(), touch ? "" : "first");
      if (touch) {
        const shoot = this.#do("camera", () => this.camera.click(), "first");
        shoot.prepend(camera());
        return this.#show("choose", [this.#row(shoot, file)], shoot);
      }
      const zone = make("div", { className: "zone" }, camera(40), make("p", {}, this.#say("drop")));
      return this.#show("choose", [zone, this.#row(file)], file);
    }

    /** What was cut out; nothing where the browser could not open it. */
    #picture(longest) {
      return this.#bitmap ? [this.#named(draw(this.#bitmap, this.#region, longest))] : [];
    }

    #named(canvas) {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", this.#say("photo"));
      return canvas;
    }

    #crop(status) {
      const picture = this.#named(draw(this.#bitmap, whole(), PREVIEW_SIDE, true));
      const { stage, reset } = cropper(picture, this.#region, (key) => this.#say(key));
      const find = this.#do("find", () => this.#sendCropped(), "first");
      const hint = make("p", { className: "soft" }, this.#say("crop"));
      this.#show("crop", [hint, stage, this.#row(find, this.#do("whole", reset), this.#other())], find, status);
    }

    #wait(key) {
      const cancel = this.#do("cancel", () => {
        this.#stop();
        if (this.#bitmap) this.#crop(this.#say("cancelled"));
        else this.#choose();
      });
      const text = this.#say(key);
      const bar = make("div", { className: "bar", role: "progressbar", "aria-label": text });
      this.#show("busy", [make("div", { className: "wait" }, ...this.#picture(PREVIEW_SIDE), make("p", {}, text), bar, cancel)], cancel, text);
    }

    #fail(problem, again) {
      const { code = "internal", status = 0, retryAfter = 0 } = problem;
      const own = `error_${String(code).replace(/^bundle.*/, "no_bundle")}`;
      const key = own in TEXTS.en ? own : `error_${BY_STATUS[status] ?? "internal"}`;
      const passing = again && PASSING.includes(key.slice(6));
      const text = make("p", { className: "alert", role: "alert" });
      const retry = this.#do("retry", again, "first");
      const other = this.#other(passing ? "" : "first");
      this.#show("failed", [text, this.#row(...(passing ? [retry] : []), other, this.#inWords())], passing && !retryAfter ? retry : other);
      // An alert is read out when its text comes, not when it comes with it.
      text.textContent = this.#say(key);
      if (passing && retryAfter) this.#countDown(retry, Date.now() + 1000 * Math.min(retryAfter, 120));
      this.#tell("error", { code: code || key.slice(6), status, retryAfter });
      if (!(problem instanceof Problem)) console.error(problem);
    }

    #countDown(retry, until) {
      const show = () => {
        const seconds = Math.ceil((until - Date.now()) / 1000);
        retry.disabled = seconds > 0;
        retry.textContent = this.#say(retry.disabled ? "retry_in" : "retry", { seconds });
        if (!retry.disabled) clearInterval(this.#counting);
      };
      this.#counting = setInterval(show, 250);
      show();
    }

    /** Goods; or, where the shop shows them, only what the shopper has to decide. */
    #results(answer, chosen, products) {
      const { decision, category, alternatives, query_id } = answer;
      const choose = (one) => {
        if (!this.#tell("choice", { query_id, category: one })) this.dialog.close();
        else if (this.#panelled) this.#browse(answer, one);
        else this.#fill(one.search_text);
      };
      const chips = [...(category ? [category] : []), ...alternatives].map((one) => {
        const given = { type: "button", className: "chip", part: "chip", "aria-pressed": one.id === chosen?.id };
        return make("li", {}, make("button", { ...given, onclick: () => choose(one) }, one.name));
      });
      const asks = { category: "other_category", unsure: "unsure", unknown: "unknown" };
      const lead = make("p", { className: "lead", tabIndex: -1 }, chips.length === 1 ? "" : this.#say(asks[decision]));
      const content = [make("div", { className: "told" }, ...this.#picture(168), lead)];
      if (chips.length) content.push(make("ul", { className: "chips" }, ...chips));
      const further = [this.#inWords("link"), this.#other("link")];
      if (this.#bitmap && this.dataset.crop !== "off") further.push(this.#do("again", () => this.#crop(), "link"));
      if (!this.#panelled) return this.#show("ask", [...content, this.#row(...further)], lead);
      const heading = chosen ? chosen.name : this.#say(decision === "unknown" ? "nearest" : "near");
      content.push(
        make("h3", {}, products.length ? heading : this.#say("empty")),
        make("ul", { className: "goods" }, ...products.map((one) => this.#card(one, query_id))),
      );
      if (chosen) {
        const all = this.#do("all", () => this.#fill(chosen.search_text), "first");
        all.textContent = this.#say("all", { name: chosen.name });
        further.unshift(all);
      }
      const status = this.#say("shown", { count: products.length });
      return this.#show("panel", [...content, this.#row(...further)], lead, status);
    }

    #card(product, query_id) {
      const href = safeAddress(product.url, location.href);
      // The server's root may be a folder of the shop's host.
      const own = product.image_url?.replace(/^\/photos\/\w+$/, "$&/320").replace(/^\/(?!\/)/, "");
      const src = safeAddress(own, this.server);
      const image = make("img", { alt: "", width: 320, height: 320, loading: "lazy", decoding: "async" });
      image.onerror = () => image.remove();
      if (src) image.src = src;
      const card = make(
        href ? "a" : "div",
        { className: "card", part: "card", ...(href ? { href } : {}) },
        make("span", { className: "picture" }, ...(src ? [image] : [])),
        make("p", { className: "name" }, product.name),
        make("p", { className: "price" }, this.#price(product)),
        make("p", { className: product.in_stock ? "soft in" : "soft" }, this.#say(product.in_stock ? "in_stock" : "out_of_stock")),
      );
      if (href) card.onclick = () => this.#tell("product", { query_id, product });
      return make("li", {}, card);
    }

    #price({ price, currency }) {
      if (price === null) return this.#say("no_price");
      const form = { style: "currency", currency, currencyDisplay: "narrowSymbol", trailingZeroDisplay: "stripIfInteger" };
      try {
        return new Intl.NumberFormat(this.#language, form).format(price);
      } catch {
        // What Intl cannot write is shown as the shop wrote it.
        return `${price} ${currency ?? ""}`;
      }
    }

    #stop() {
      this.#running?.abort();
      clearInterval(this.#counting);
    }

    async #work(key, job, then, again) {
      this.#stop();
      const { signal } = (this.#running = new AbortController());
      const clock = setTimeout(() => {
        this.#stop();
        this.#fail(new Problem("unreachable"), again);
      }, ANSWER_MS);
      try {
        this.#wait(key);
        const result = await job(signal);
        if (signal.aborted) result?.close?.();
        else then(result);
      } catch (problem) {
        if (!signal.aborted) this.#fail(problem, again);
      } finally {
        clearTimeout(clock);
      }
    }

    #take(file) {
      const job = () => {
        if (!file.size) throw new Problem("photo_damaged");
        // HEIC has no type on some systems.
        if (file.type && !file.type.startsWith("image/")) throw new Problem("photo_type");
        return open(file);
      };
      this.#forget();
      return this.#work("opening", job, (bitmap) => {
        this.#bitmap = bitmap;
        Object.assign(this.#region, whole());
        if (!bitmap) this.#send(() => file);
        else if (this.dataset.crop === "off") this.#sendCropped();
        else this.#crop();
      });
    }

    #sendCropped() {
      return this.#send(() => encode(this.#bitmap, this.#region));
    }

    #send(prepare) {
      const job = async (signal) => {
        const form = new FormData();
        // A file's own name may say more than a shopper means to.
        form.append("photo", await prepare(), "photo");
        signal.throwIfAborted();
        return this.#request("v1/search/photo", { limit: this.#panelled ? 12 : 1, visitor: visitor() }, { method: "POST", body: form, signal });
      };
      const then = (answer) => {
        const { decision, category, products } = answer;
        if (!this.#tell("result", answer)) this.dialog.close();
        else if (decision === "category" && !this.#panelled) this.#fill(category.search_text);
        else this.#results(answer, category, products);
      };
      return this.#work("searching", job, then, () => this.#send(prepare));
    }

    #browse(answer, category) {
      const known = answer.category?.id === category.id;
      const job = (signal) => (known ? answer : this.#request("v1/search", { limit: 12, category: category.id }, { signal }));
      const again = () => this.#browse(answer, category);
      return this.#work("searching", job, ({ products }) => this.#results(answer, category, products), again);
    }

    /** A form, no header of ours: browsers send that without asking. */
    async #request(path, query, options) {
      const address = new URL(path, this.server);
      const { limit = query.limit } = this.dataset;
      address.search = new URLSearchParams({ ...query, limit, lang: this.#language });
      try {
        const response = await fetch(address, { ...options, credentials: "omit" });
        if (response.ok) return await response.json();
        const { code } = await response.json().catch(() => ({}));
        throw new Problem(code ?? "", response.status, Number(response.headers.get("Retry-After")) || 0);
      } catch (error) {
        if (error instanceof Problem || options.signal.aborted) throw error;
        if (!navigator.onLine) throw new Problem("offline");
        console.warn(`${TAG}: is ${location.origin} in the cors_origins of ${this.server}?`);
        throw new Problem("unreachable");
      }
    }

    /** False: the shop takes over. */
    #tell(name, detail) {
      return this.dispatchEvent(new CustomEvent(`vitrina:${name}`, { detail, bubbles: true, composed: true, cancelable: true }));
    }

    #forget() {
      this.#bitmap?.close();
      this.#bitmap = null;
    }

    #closed() {
      this.#stop();
      this.#forget();
      this.body?.replaceChildren();
    }

    #words() {
      this.dialog.close();
      this.input.focus();
    }

    /** The words go into the shop's own field, and the shop searches. */
    #fill(text) {
      const { input } = this;
      this.#words();
      // Past a setter of the page's framework, which would take the change for its own.
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(input), "value").set.call(input, text);
      for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
      this.heard.textContent = this.#say("filled", { text });
      this.#submit(text);
    }

    #submit(text) {
      const { input, dataset } = this;
      const address = safeAddress(dataset.searchUrl?.replace("{text}", encodeURIComponent(text)), location.href);
      if (address) return location.assign(address);
      const { form } = input;
      // As the Enter key does it: by the form's first button.
      const button = dataset.submit
        ? document.querySelector(dataset.submit)
        : [...(form?.querySelectorAll("button,input") ?? [])].find(({ type, disabled }) => /submit|image/.test(type) && !disabled);
      if (button) return button.click();
      if (form) return form.requestSubmit();
      // Where there is no form, a script of the shop waits for the key.
      const key = { key: "Enter", code: "Enter", keyCode: 13, which: 13, bubbles: true, cancelable: true };
      for (const kind of ["keydown", "keypress", "keyup"]) input.dispatchEvent(new KeyboardEvent(kind, key));
    }
  }

  const tag = document.currentScript ?? document.querySelector('script[src*="/widget.js"]');
  const HOME = new URL(".", tag?.src || location.href).href;

  /** A button for each field that the tag names; fields may come later, or again. */
  function dress({ dataset }) {
    const selector = dataset.input || USUAL_INPUTS;
    const given = new WeakMap();
    const look = () => {
      const elements = [...document.querySelectorAll(TAG)];
      for (const input of document.querySelectorAll(selector)) {
        const times = given.get(input) ?? 0;
        // A page that takes the button away again and again does not want it.
        if (times > 9 || elements.some((element) => element.input === input)) continue;
        given.set(input, times + 1);
        const element = document.createElement(TAG);
        Object.assign(element.dataset, { server: HOME }, dataset);
        input.after(element);
      }
      for (const element of elements) element.follow();
    };
    let waiting;
    const later = () => {
      waiting ||= requestAnimationFrame(() => {
        waiting = 0;
        look();
      });
    };
    try {
      look();
      const changes = new MutationObserver(later);
      changes.observe(document, { childList: true, subtree: true });
      // A theme is switched at the root.
      changes.observe(document.documentElement, { attributes: true });
    } catch {
      console.error(`${TAG}: data-input="${selector}" is no CSS selector.`);
    }
  }

  // An old browser keeps the shop's search as it was.
  const able = "adoptedStyleSheets" in document && CSS.supports("color", "color-mix(in srgb,red,red)");
  if (able && !customElements.get(TAG)) customElements.define(TAG, VitrinaPhoto);
  if (able && tag) dress(tag);
})();
