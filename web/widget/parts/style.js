/** @file How it looks. Every colour and size is a variable that the page may set; light and dark follow the page. */

const COLOURS = `
:host {
  --accent: var(--recite-accent, light-dark(#4f5bd5, #8b95f5));
  --on-accent: var(--recite-on-accent, light-dark(#fff, #12131c));
  --ground: var(--recite-ground, light-dark(#fff, #1b1c25));
  --ink: var(--recite-ink, light-dark(#1c1d26, #eeeef4));
  --soft: var(--recite-soft, light-dark(#5b5d6e, #a6a8b8));
  --line: var(--recite-line, light-dark(#dfe0e8, #32343f));
  --you: var(--recite-you, var(--accent));
  --on-you: var(--recite-on-you, var(--on-accent));
  --bubble: var(--recite-bubble, light-dark(#f0f1f7, #272936));
  --warn: var(--recite-warn, light-dark(#9b2c1f, #ffb4a6));
  --radius: var(--recite-radius, 1.25rem);
  color: var(--ink);
  font: var(--recite-font, 1rem/1.5 system-ui, sans-serif);
  text-align: start;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([theme="auto"]) { color-scheme: light dark; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button {
  display: inline-grid; place-items: center; flex: none;
  width: 2.5rem; height: 2.5rem; padding: 0; border: 0; border-radius: 50%;
  background: none; color: inherit; font: inherit; cursor: pointer;
}
button:hover { background: color-mix(in srgb, currentColor 10%, transparent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
svg { width: 1.35em; height: 1.35em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.play svg, .stop svg { fill: currentColor; }
.pause svg { stroke-width: 3; }
button:disabled { opacity: 0.45; cursor: default; }
`;

const CHAT_STYLE = `
:host { display: contents; }
:host([mode="inline"]) { display: block; height: var(--recite-height, 32rem); }
.chat {
  position: fixed; z-index: var(--recite-z, 2147483000);
  inset-block-end: var(--recite-offset, 1.25rem); inset-inline-end: var(--recite-offset, 1.25rem);
  width: 3.5rem; height: 3.5rem; background: var(--accent); color: var(--on-accent);
  box-shadow: 0 4px 18px rgb(0 0 0 / 25%);
}
.chat:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
.chat svg { width: 1.75rem; height: 1.75rem; }
.chat:focus-visible { outline-color: var(--ink); }
.panel {
  display: flex; flex-direction: column; overflow: hidden;
  background: var(--ground); border: 1px solid var(--line); border-radius: var(--radius);
}
:host(:not([mode="inline"])) .panel {
  position: fixed; z-index: var(--recite-z, 2147483000);
  inset-block-end: var(--recite-offset, 1.25rem); inset-inline-end: var(--recite-offset, 1.25rem);
  width: min(var(--recite-width, 24rem), 100vw - 2 * var(--recite-offset, 1.25rem));
  height: min(var(--recite-height, 36rem), 100dvh - 2 * var(--recite-offset, 1.25rem));
  box-shadow: 0 10px 40px rgb(0 0 0 / 25%);
}
:host([mode="inline"]) .panel { height: 100%; }
:host([mode="inline"]) :is(.chat, header .close) { display: none; }
header { display: flex; align-items: center; gap: 0.25rem; padding: 0.6rem 0.6rem 0.6rem 1.1rem; border-block-end: 1px solid var(--line); }
header:dir(rtl) { padding: 0.6rem 1.1rem 0.6rem 0.6rem; }
h2 { flex: 1; min-width: 0; margin: 0; overflow: hidden; font-size: 1rem; font-weight: 650; text-overflow: ellipsis; white-space: nowrap; }
.log {
  flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding: 1.1rem;
  display: flex; flex-direction: column; align-items: flex-start; gap: 0.9rem;
}
.log:focus-visible { outline-offset: -4px; }
.message { max-width: 88%; }
.message.user { align-self: flex-end; }
.text {
  margin: 0; padding: 0.6rem 0.95rem; border-radius: 1.1rem; border-end-start-radius: 0.3rem; background: var(--bubble);
  white-space: pre-wrap; overflow-wrap: anywhere;
}
.user .text { border-radius: 1.1rem; border-end-end-radius: 0.3rem; background: var(--you); color: var(--on-you); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.controls { display: flex; align-items: center; gap: 0.1rem; min-height: 2.25rem; margin-inline-start: 0.3rem; color: var(--soft); font-size: 0.85rem; }
.controls button { width: 2.25rem; height: 2.25rem; }
.controls .tap, .retry {
  width: auto; height: auto; min-height: 2.5rem; margin-block-start: 0.4rem; padding: 0.3rem 1rem; grid-auto-flow: column; gap: 0.5rem;
  border-radius: 2rem; background: var(--accent); color: var(--on-accent); font-size: 0.95rem; font-weight: 600;
}
:is(.tap, .retry):hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
.problem { color: var(--warn); }
.problem p { margin: 0 0 0.3rem; }
.problem .retry { background: none; border: 1px solid currentColor; color: inherit; margin: 0; }
.dots { display: inline-flex; gap: 0.3rem; padding-block: 0.45rem; }
.dots i { width: 0.45rem; height: 0.45rem; border-radius: 50%; background: var(--soft); }
form { display: flex; align-items: flex-end; gap: 0.4rem; padding: 0.6rem; border-block-start: 1px solid var(--line); }
textarea {
  flex: 1; min-width: 0; max-height: 9rem; padding: 0.55rem 0.9rem; resize: none; field-sizing: content;
  border: 1px solid var(--line); border-radius: 1.3rem; background: var(--ground); color: inherit; font: inherit; line-height: 1.4;
}
textarea::placeholder { color: var(--soft); opacity: 1; }
textarea:focus-visible { outline-offset: -1px; }
.send { background: var(--accent); color: var(--on-accent); }
.send:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
@media (max-width: 30rem) {
  :host(:not([mode="inline"])) .panel { inset: 0; width: 100%; height: 100dvh; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: no-preference) {
  .dots i { animation: dot 1s infinite alternate ease-in-out; }
  .dots i:nth-child(2) { animation-delay: 0.2s; }
  .dots i:nth-child(3) { animation-delay: 0.4s; }
  @keyframes dot { from { opacity: 0.25; } }
  :host(:not([mode="inline"])) .panel { animation: rise 0.16s ease-out; }
  @keyframes rise { from { opacity: 0; transform: translateY(0.75rem); } }
}
@media (forced-colors: active) {
  .text, .chat, .send, .tap { border: 1px solid; }
}
`;

const AUDIO_STYLE = `
:host { display: block; max-width: 28rem; }
.player {
  display: flex; align-items: center; gap: 0.75rem; padding: 0.5rem 1rem 0.5rem 0.5rem;
  background: var(--ground); border: 1px solid var(--line); border-radius: var(--radius);
}
.player:dir(rtl) { padding: 0.5rem 0.5rem 0.5rem 1rem; }
.player > button { background: var(--accent); color: var(--on-accent); width: 2.75rem; height: 2.75rem; }
.player > button:hover { background: color-mix(in srgb, var(--accent) 88%, var(--ink)); }
.middle { flex: 1; min-width: 0; display: grid; }
.label { overflow: hidden; font-size: 0.9rem; text-overflow: ellipsis; white-space: nowrap; }
.time, .label.quiet { color: var(--soft); }
.time { font-size: 0.85rem; font-variant-numeric: tabular-nums; }
input { width: 100%; height: 1.5rem; margin: 0; accent-color: var(--accent); cursor: pointer; }
input:disabled { cursor: default; }
:host([state="failed"]) .label { color: var(--warn); white-space: normal; }
:host([state="failed"]) input { display: none; }
`;
