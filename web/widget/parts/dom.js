/** @file Small pieces of page: elements, buttons with an icon, and where the service is. */

/** @type {Record<string, string>} paths of 24 by 24 */
const ICONS = {
  chat: "M12 3c5 0 9 3.4 9 7.7s-4 7.7-9 7.7c-1 0-2-.1-2.9-.4L4.5 21l.8-4.2C3.9 15.2 3 13.1 3 10.7 3 6.4 7 3 12 3z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 20V5M5.5 11.500L12 5l6.5 6.5",
  play: "M8 5.500v13l10.5-6.500z",
  pause: "M8.5 5.500v13M15.5 5.500v13",
  stop: "M7 7h10v10H7z",
  again: "M5 12a7 7 0 1 0 2.3-5.200M5 4v4h4",
  soundOn: "M4 9.500v5h3.500l4.5 4v-13l-4.5 4zM15.5 9a4 4 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
  soundOff: "M4 9.500v5h3.500l4.5 4v-13l-4.5 4zM16 9.500l5 5M21 9.500l-5 5",
};

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean>} [attributes]
 * @param {(Node | string)[]} children
 */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** @param {string} kind one of ICONS */
function icon(kind) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", ICONS[kind]);
  svg.append(path);
  return /** @type {SVGElement} */ (svg);
}

/** @param {string} kind @param {string} label @param {() => void} act */
function iconButton(kind, label, act) {
  const button = element("button", { type: "button", class: kind, "aria-label": label, title: label }, icon(kind));
  button.addEventListener("click", act);
  return button;
}

/**
 * Shows another icon and says what it does now; focus stays.
 * @param {HTMLElement} button @param {string} kind @param {string} label
 */
function changeButton(button, kind, label) {
  if (button.ariaLabel === label) return;
  button.className = kind;
  button.ariaLabel = button.title = label;
  button.replaceChildren(icon(kind));
}

const ownScript = /** @type {HTMLScriptElement | null} */ (
  document.currentScript ?? document.querySelector('script[src*="/widget/recite.js"]')
);

/** Where the service is: what the element says, or where this script comes from. @param {HTMLElement} host */
function serviceOf(host) {
  const base = host.getAttribute("api") ?? new URL("..", ownScript?.src || document.baseURI).href;
  return new URL(base, document.baseURI).href.replace(/\/$/, "");
}

/** Styles that no page's Content-Security-Policy forbids. @param {HTMLElement} host @param {string[]} styles */
function shadow(host, ...styles) {
  const root = host.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = styles.map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  return root;
}

/** @param {HTMLElement} host */
function languageOf(host) {
  return host.closest("[lang]")?.getAttribute("lang") ?? navigator.language;
}
