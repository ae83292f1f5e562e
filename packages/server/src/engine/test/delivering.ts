// An engine that delivers to a receiver, for tests: what most of them begin with. Both end with the test, the engine first.
import { startReceiver, type Receiver, type Reply, type Script } from "@fanfare/testkit/receiver";
import { onTestFinished } from "vitest";

import type { NewWebhook } from "../webhook-settings.ts";
import { openTestEngine, type TestEngine, type TestEngineOptions } from "./test-engine.ts";

/** A URL at which nobody listens. */
export const NOBODY = "http://127.0.0.1:9/";
/** A webhook whose deliveries are attempted once. */
export const ONCE = { retries: { maxRetries: 0, maxBackoffMs: 0 } };
/** Scripts of receivers that always fail, or never respond. */
export const FAILS: Script = () => ({ status: 500 });
export const HANGS: Script = () => ({ kind: "hang" });

/** A receiver that ends with the test. It responds with 200 unless there is a script. */
export async function openReceiver(script: Script | null = null): Promise<Receiver> {
	const receiver = await startReceiver();
	onTestFinished(() => receiver.close());
	if (script !== null) receiver.script(script);
	return receiver;
}

/** An engine with one webhook, `webhook`, whose receiver responds with 200 unless there is a script. */
export async function openDelivering(
	script: Script | null = null,
	{ webhook: settings, ...options }: TestEngineOptions & { readonly webhook?: Partial<NewWebhook> } = {},
) {
	const receiver = await openReceiver(script);
	const test = await openTestEngine(options);
	onTestFinished(() => test[Symbol.asyncDispose]());
	return { test, receiver, webhook: await test.createWebhook(receiver.url, settings) };
}

/** A script that holds back its first answer until `answer` is called. The others are 200. */
export function holdFirst() {
	const { promise, resolve: answer } = Promise.withResolvers<Reply>();
	const script: Script = (_request, index) => (index === 0 ? promise : {});
	return { script, answer };
}

/** The ids of the events that a receiver has got, in their order. */
export function received({ requests }: Receiver): string[] {
	return requests.map(({ headers }) => String(headers["webhook-id"]));
}

/** Holds back the results of commits with events from now on. `executed` resolves with the first one's event; `answer` lets all through. */
export function holdCommits({ engineStore }: TestEngine) {
	const [executed, answered] = [Promise.withResolvers<string>(), Promise.withResolvers<void>()];
	const commit = engineStore.commit.bind(engineStore);
	engineStore.commit = async (batch) => {
		const result = await commit(batch);
		const [first] = batch.events;
		if (first === undefined) return result;
		executed.resolve(first.event.id);
		await answered.promise;
		return result;
	};
	return { executed: executed.promise, answer: answered.resolve };
}

/** Lets everything go on that needs no time. */
export async function passTurns(turns = 50): Promise<void> {
	for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
