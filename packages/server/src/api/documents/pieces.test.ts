// Long documents that anybody may ask for: each part waits for a turn of its own.
import { text } from "node:stream/consumers";

import { expect, it } from "vitest";

import { apiRoutes } from "../resources/table.ts";
import { piecesOf, streamOf } from "./pieces.ts";

it("writes a document in parts, each when it is its turn and the client reads on", async () => {
	const written = `<a>${"x".repeat(50_000)}<a>ö<a>`;
	const pieces = piecesOf(written, "<a>");
	let turns = 0;
	const reader = streamOf(pieces, { take: async () => void turns++ }, Buffer.from("é")).getReader();
	const parts: Uint8Array[] = [];
	for (;;) {
		const { value, done } = await reader.read();
		if (done) break;
		parts.push(value);
		expect(turns).toBe(parts.length);
		expect(value.length).toBeLessThanOrEqual(2 * 16 * 1_024);
	}
	expect(parts.length).toBeGreaterThan(2);
	expect(Buffer.concat(parts).toString()).toBe(written.replaceAll("<a>", "é"));
	expect(await text(streamOf(piecesOf("short"), { take: async () => {} }))).toBe("short");
});

it("makes nothing for a client that goes while it waits", async () => {
	const turn = Promise.withResolvers<void>();
	const reader = streamOf(piecesOf("text"), { take: () => turn.promise }).getReader();
	const read = reader.read();
	await reader.cancel();
	turn.resolve();
	expect(await read).toEqual({ value: undefined, done: true });
});

it.each(["getOpenApi", "getApiDocs"])("is what %s does, which needs no key", async (id) => {
	const route = apiRoutes().find((each) => each.id === id);
	let turns = 0;
	const take = async () => void turns++;
	const deps = { ownTurns: { begin: take, take }, version: "1.2.3", publicUrl: "http://fanfare.example" };
	const reply = await route?.handle({ deps, connection: {} } as never);
	expect(turns).toBe(1);
	const read = await text(reply?.body as ReadableStream<Uint8Array>);
	// Of some 0.8 MB in parts of up to 32 KB.
	expect(turns).toBeGreaterThanOrEqual(20);
	expect(read).toContain({ getOpenApi: '"openapi":"3.1', getApiDocs: "<html" }[id]);
});
