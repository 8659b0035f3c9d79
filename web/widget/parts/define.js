/** @file The elements come into being. */

// Twice on a page by mistake, it stays the first one.
if (!customElements.get("recite-chat")) {
  customElements.define("recite-chat", ReciteChat);
  customElements.define("recite-audio", ReciteAudio);
}
addEventListener("pagehide", () => speaking?.yieldSound());
