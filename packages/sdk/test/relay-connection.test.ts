// The connection of a relay's client, with a server that follows a script.
import { setImmediate as nextTurn } from "node:timers/promises";

import { eventually } from "@fanfare/testkit/eventually";
import { expect, it } from "vitest";

import type { RelayRequest, RelayState } from "../src/index.ts";
import { hang, json, PROJECT_ID, reset, ScriptedServer, testClient, type Step } from "./scripted-server.ts";

const relayThat = (is: { readonly connected: boolean }) =>
	json(200, { object: "relay", id: "relay_1", webhookId: "webhook_1", projectId: PROJECT_ID, ...is });
const relay = relayThat({ connected: false });
const ready = { kind: "ready", relayId: "relay_1", webhookId: "webhook_1" };
const request = {
	kind: "request",
	requestId: "dlv_1.1",
	deliveryId: "dlv_1",
	eventId: "evt_1",
	attemptNumber: 1,
	trigger: "auto",
	method: "POST",
	headers: [["webhook-id", "evt_1"]],
	bodyBase64: "e30=",
	timeoutMs: 600_000,
};

/** Sends these signals, and then ends the response, or stays silent. */
function signals(then: "end" | "hang", ...all: readonly object[]): Step {
	return (response) => {
		response.writeHead(200, { "content-type": "text/event-stream" });
		response.write(all.map((signal) => `data: ${JSON.stringify(signal)}\n\n`).join(""), () => {
			if (then === "end") response.end();
		});
	};
}

/** Iterates the connection until the signal aborts it, and answers each request. */
async function answerAll(
	server: ScriptedServer,
	signal: AbortSignal,
	answer: (request: RelayRequest) => unknown,
	onState?: (state: RelayState) => void,
) {
	const { relays } = testClient(server, { maxRetries: 0 }).client.project(PROJECT_ID);
	const asked: RelayRequest[] = [];
	const settings = { device: "laptop", secret: "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" };
	try {
		for await (const each of relays.connect(settings, { signal, onState })) {
			asked.push(each);
			await answer(each);
		}
	} catch (error) {
		if (!signal.aborted) throw error;
	}
	return asked;
}

it("repeats an answer that was lost, and not the request, and can be aborted meanwhile", async () => {
	const offered = (then: "end" | "hang") => signals(then, ready, request);
	await using server = await ScriptedServer.start(relay, offered("end"), reset, offered("hang"), hang);
	const controller = new AbortController();
	const taken: boolean[] = [];
	const done = answerAll(server, controller.signal, async (each) => taken.push(await each.answer({ status: 204 })));
	await eventually("the answer to be repeated", () => server.requests.length === 5);
	controller.abort();
	expect(await done).toHaveLength(1);
	// Nobody waits for the repeated answer: its end must not be an unhandled rejection.
	await nextTurn();
	expect(taken).toEqual([false]);
	const answers = server.requests.filter(({ url }) => url.endsWith(":answer")).map(({ body }) => body);
	expect(answers).toEqual([JSON.stringify({ status: 204, headers: [], bodyBase64: "" }), answers[0]]);
});

it("answers for a receiver that does not, and can be aborted meanwhile", async () => {
	const offered = signals("hang", ready, { ...request, timeoutMs: 1_000 });
	await using server = await ScriptedServer.start(relay, offered, hang);
	const controller = new AbortController();
	const done = answerAll(server, controller.signal, () => {});
	await eventually("the answer", () => server.requests.length === 3);
	controller.abort();
	expect(await done).toHaveLength(1);
	await nextTurn();
	expect(JSON.parse(server.last.body)).toEqual({
		error: "timeout",
		reason: "the receiver did not respond within 1000 ms",
	});
});

it.each([true, false])("ends if another client has replaced it, and that one is still there: %s", async (connected) => {
	const replaced = signals("end", ready, { kind: "end", code: "replaced", reason: "another client has it" });
	// If none is there, it was replaced by an earlier request of its own, which came late.
	const rest = connected
		? []
		: [signals("hang", ready, request), json(200, { object: "relayAnswer", requestId: "dlv_1.1" })];
	await using server = await ScriptedServer.start(relay, replaced, relayThat({ connected }), ...rest);
	const controller = new AbortController();
	const states: string[] = [];
	const done = answerAll(
		server,
		controller.signal,
		async (each) => {
			await each.answer({ status: 200 });
			controller.abort();
		},
		({ state }) => void states.push(state),
	);
	expect(await done).toHaveLength(connected ? 0 : 1);
	expect(states).toEqual(connected ? ["ready", "replaced"] : ["ready", "away", "ready"]);
});
