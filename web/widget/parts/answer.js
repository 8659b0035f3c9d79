/** @file The service's answer to a message: events as they come, or one document. */

/**
 * @typedef {{audio_url: string | null, audio?: {kind: string, reason?: string | null} | null}} Spoken
 * @typedef {Spoken & {reply: string, conversation_id: string}} Answer
 * @typedef {{kind: "delta", text: string}
 *   | ({kind: "audio", sentence: string} & Spoken) | ({kind: "done"} & Answer)} AnswerEvent
 */

/**
 * @param {string} url
 * @param {{body: object, token: string, signal: AbortSignal}} request
 * @returns {AsyncGenerator<AnswerEvent>}
 */
async function* askService(url, { body, token, signal }) {
  const headers = {
    Accept: "text/event-stream, application/json;q=0.5",
    "Content-Type": "application/json",
    ...(token && { Authorization: `Bearer ${token}` }),
  };
  const answer = await reach(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    yield { ...(await answer.json()), kind: "done" };
    return;
  }
  for await (const { name, data } of serverEvents(/** @type {ReadableStream<Uint8Array>} */ (answer.body))) {
    if (name === "error") throw new Problem(data.code);
    yield { ...data, kind: name };
    if (name === "done") return;
  }
  throw new Problem("broken");
}

/** @param {string} url @param {RequestInit} request */
async function reach(url, request) {
  const answer = await fetch(url, request).catch((cause) => {
    throw request.signal?.aborted ? cause : new Problem("offline");
  });
  if (answer.ok) return answer;
  const { code = "" } = await answer.json().catch(() => ({}));
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  throw new Problem(code, { status: answer.status, retryAfter });
}

/** @param {ReadableStream<Uint8Array>} body @returns {AsyncGenerator<{name: any, data: any}>} */
async function* serverEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).replace(/\r\n/g, "\n").split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const field = (/** @type {string} */ name) =>
          [...block.matchAll(new RegExp(`^${name}: ?(.*)$`, "gm"))].map((found) => found[1]).join("\n");
        const data = field("data");
        if (data) yield { name: field("event") || "message", data: JSON.parse(data) };
      }
    }
  } catch (cause) {
    throw cause instanceof TypeError ? new Problem("broken") : cause;
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * Asks the page's own backend for a token.
 * @param {string} url
 * @param {{clientId: string | undefined, signal: AbortSignal}} options
 */
async function fetchToken(url, { clientId, signal }) {
  const body = JSON.stringify({ client_id: clientId });
  const headers = { "Content-Type": "application/json" };
  try {
    const { token } = await (await reach(url, { method: "POST", headers, body, signal })).json();
    if (token) return String(token);
  } catch (cause) {
    if (signal.aborted) throw cause;
  }
  throw new Problem("token");
}
