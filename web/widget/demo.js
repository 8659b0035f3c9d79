// @ts-check
/** @file The demo page: a key where the service asks for one, the form that has a text spoken, the lines to copy. */

const base = new URL("..", /** @type {HTMLScriptElement} */ (document.currentScript).src);
/** @type {Record<string, string>} */
const WORDS = {
  hit: "It was there already",
  joined: "It is being made for somebody else; you listen in",
  miss: "It was made for you",
};

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** @param {object} body */
async function post(body) {
  const key = byId("key").value;
  const headers = { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };
  try {
    const answer = await fetch(new URL("v1/jobs", base), { method: "POST", headers, body: JSON.stringify(body) });
    return { isTaken: answer.ok, status: answer.status, document: await answer.json() };
  } catch {
    return { isTaken: false, status: 0, document: {} };
  }
}

function askForKey() {
  byId("key-form").hidden = false;
  byId("key").select();
}

/** @param {SubmitEvent} submitted */
async function say(submitted) {
  submitted.preventDefault();
  const [audio, told] = [byId("audio"), byId("told")];
  const since = performance.now();
  const body = { text: byId("text").value, voice: byId("voice").value, format: "mp3" };
  const { isTaken, status, document: job } = await post(body);
  const ms = Math.round(performance.now() - since);
  if (status === 401) askForKey();
  if (!isTaken) {
    told.textContent =
      status === 401 ? "This service asks for a key." : (job.detail ?? "That did not work. Please try again.");
    return;
  }
  audio.setAttribute("job-id", job.id);
  audio.setAttribute("label", body.text);
  byId("audio-code").textContent = lines(`<recite-audio job-id="${job.id}"></recite-audio>`);
  told.textContent = `${WORDS[job.cache]} (answered in ${ms} ms).`;
  audio.play();
}

/** @param {string} tag */
function lines(tag) {
  return `<script src="${new URL("widget/recite.js", base)}" async></script>\n${tag}`;
}

byId("chat-code").textContent = lines(`<recite-chat client-id="shop"></recite-chat>`);
byId("audio-code").textContent = lines('<recite-audio job-id="…"></recite-audio>');
byId("say").addEventListener("submit", say);
byId("as-bubble").addEventListener("change", () => {
  const chat = byId("chat");
  chat.setAttribute("mode", byId("as-bubble").checked ? "bubble" : "inline");
  if (byId("as-bubble").checked) chat.open();
});
byId("key-form").addEventListener("submit", (/** @type {SubmitEvent} */ submitted) => {
  submitted.preventDefault();
  byId("chat").setAttribute("token", byId("key").value);
  byId("key-form").hidden = true;
  byId("told").textContent = "";
});
byId("chat").addEventListener("recite-problem", (/** @type {CustomEvent} */ { detail }) => {
  if (detail.code === "unauthorized") askForKey();
});
