// The API over a real engine and store, called without a socket.
import { createApp } from "../src/api/app.ts";
import { openTestEngine, type TestEngine } from "../src/engine/test/test-engine.ts";

export interface TestApi extends AsyncDisposable {
	readonly test: TestEngine;
	readonly app: ReturnType<typeof createApp>;
}

/** @example await using api = await openTestApi(); */
export async function openTestApi(): Promise<TestApi> {
	const test = await openTestEngine();
	const { engine, store } = test;
	const metrics = () => Promise.resolve({ contentType: "text/plain", text: "" });
	const log = { requestLog: () => {}, clientAddress: () => null };
	const app = createApp({ engine, store, metrics, ...log, version: "test", publicUrl: null });
	return { test, app, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}
