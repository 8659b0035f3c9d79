// @ts-check
/** @file The page at /live: its buttons, words and meters around one ReciteLive. */

import { ReciteLive } from "./recite-live.js";
import { TranscriptView } from "./transcript-view.js";

/** @typedef {import("./recite-live.js").LiveState} LiveState */

/** @type {Record<LiveState, [state: string, hint: string]>} */
const WORDS = {
  idle: ["Ready when you are", "Press Start and speak. The voice answers aloud."],
  connecting: ["Connecting…", "Allow the microphone if your browser asks for it."],
  listening: ["Listening", "Speak now."],
  thinking: ["Thinking…", "The answer is on its way."],
  speaking: ["Speaking", "Just speak to interrupt."],
  reconnecting: ["Reconnecting…", "The connection was lost. The conversation goes on as soon as it is back."],
  ended: ["Conversation over", "Press Start for a new one."],
};
const MUTED = ["Muted", "Press Mute again to be heard."];
/** @type {Record<string, (seconds: number) => string>} */
const NOTICES = {
  waiting: () => "All lines are busy. Waiting for a free one.",
  idle: (seconds) => `Nobody has spoken for a while. The conversation ends in ${seconds} seconds unless you do.`,
  session_length: (seconds) => `The longest time is nearly reached. The conversation ends in ${seconds} seconds.`,
  going_away: () => "The service is being restarted. The conversation may be interrupted.",
};
// The other states follow each other too fast to be read out over the voice.
const ANNOUNCED = ["connecting", "reconnecting"];

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const live = new ReciteLive();
const announce = (/** @type {string} */ words) => (byId("announcer").textContent = words);
const transcript = new TranscriptView(byId("transcript"), (words) => byId("read-out").checked && announce(words));
const orb = /** @type {HTMLElement} */ (document.querySelector(".orb"));

function toggle() {
  if (live.isActive) return live.stop();
  showProblem();
  byId("key-form").hidden = true;
  transcript.clear();
  const key = byId("key").value;
  live.options = { voice: byId("voice").value, ...(key && { apiKey: key }) };
  live.start();
}

function showVoice() {
  const { selectedOptions } = byId("voice");
  transcript.names.assistant = byId("voice-label").textContent = selectedOptions[0].text;
}

/** @param {{message: string, action: string}} [problem] */
function showProblem(problem) {
  const lines = problem ? [element("strong", problem.message), element("span", problem.action)] : [];
  byId("problem").replaceChildren(...lines);
}

/** @param {string} tag @param {string} text */
function element(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

/** @param {LiveState} state */
function showState(state) {
  const [words, hint] = live.isMuted && state === "listening" ? MUTED : WORDS[state];
  document.body.dataset.state = state;
  document.body.toggleAttribute("data-muted", live.isMuted);
  byId("state").textContent = words;
  byId("hint").textContent = hint;
  byId("toggle").textContent = live.isActive ? "Stop" : "Start";
  byId("voice").disabled = live.isActive;
}

/** @param {string} id @param {number} level */
function showLevel(id, level) {
  const meter = byId(id);
  meter.style.setProperty("--level", level.toFixed(2));
  meter.setAttribute("aria-valuenow", String(Math.round(level * 10) * 10));
}

live.on("state", ({ state, previous }) => {
  showState(state);
  if (state === "ended" && previous === "connecting") byId("state").textContent = "Not connected";
  if (ANNOUNCED.includes(state)) announce(WORDS[state].join(" "));
  if (state === "listening" && ANNOUNCED.includes(previous)) announce(live.isMuted ? "Connected. You are muted." : "Connected. Speak now.");
});

live.on("transcript", (entry) => transcript.show(entry));

live.on("level", ({ microphone, speaker }) => {
  showLevel("you-level", microphone);
  showLevel("voice-level", speaker);
  orb.style.setProperty("--level", (live.state === "speaking" ? speaker : microphone).toFixed(2));
});

live.on("latency", ({ ms }) => (byId("latency").textContent = `${(ms / 1000).toFixed(2)} s`));

live.on("notice", ({ code, seconds }) => {
  const words = NOTICES[code]?.(seconds);
  if (!words) return;
  byId("hint").textContent = words;
  announce(words);
});

live.on("closed", (closed) => {
  transcript.close();
  if (closed.code === "stopped") return announce(closed.message);
  byId("hint").textContent = "";
  showProblem(closed);
  if (!closed.code.startsWith("key_")) return;
  byId("key-form").hidden = false;
  byId("key").select();
});

byId("toggle").addEventListener("click", toggle);
byId("mute").addEventListener("click", () => {
  live.mute();
  byId("mute").setAttribute("aria-pressed", String(live.isMuted));
  showState(live.state);
});
byId("voice").addEventListener("change", showVoice);
byId("key-form").addEventListener("submit", (/** @type {SubmitEvent} */ submitted) => {
  submitted.preventDefault();
  toggle();
  byId("toggle").focus();
});
addEventListener("pagehide", () => live.stop());
// A browser may have kept the choice over a reload.
showVoice();
