import { eventually } from "@fanfare/testkit/eventually";
import { natsIssue, startNats } from "@fanfare/testkit/programs/nats";
import { seededRandom } from "@fanfare/testkit/seeded-random";
import { connect } from "@nats-io/transport-node";
import { describe, expect, it } from "vitest";

import { garbageLike, MessageDoubler } from "./message-doubler.ts";

const message = { subject: "fanfare.hints.a", data: Buffer.from("a message of a process") };

describe("garbage", () => {
	it("is never a message that a process has sent there", () => {
		const last = new Map(
			[message, { subject: "fanfare.beats", data: Buffer.from("a beat") }].map((m) => [m.subject, m]),
		);
		const random = seededRandom(1);
		const subjects = new Set<string>();
		for (let n = 0; n < 200; n++) {
			const garbage = garbageLike(message, last, random);
			subjects.add(garbage.subject);
			const isSame = garbage.subject === message.subject && Buffer.compare(garbage.data, message.data) === 0;
			expect(isSame).toBe(false);
		}
		expect(subjects).toEqual(new Set(last.keys()));
	});
});

const issue = natsIssue();
describe.skipIf(issue !== null)(`a client that doubles messages${issue === null ? "" : ` (${issue})`}`, () => {
	it("publishes each message once more, with garbage beside it, and none of its own again", async () => {
		await using nats = await startNats();
		const { host, username, password } = new URL(nats.openUrl);
		const client = await connect({ servers: host, user: username, pass: password });
		const seen: string[] = [];
		client.subscribe("fanfare.>", { callback: (_error, { data }) => void seen.push(Buffer.from(data).toString()) });
		await client.flush();
		// One copy of each, at once, and garbage of no bytes.
		await using doubler = await MessageDoubler.open(nats.openUrl, () => 0);
		const expected: string[] = [];
		for (const text of ["a", "b", "c"]) {
			client.publish("fanfare.beats", text);
			expected.push(text, text, "");
			await eventually(`what comes of ${text}`, () => seen.length >= expected.length);
		}
		expect(seen).toEqual(expected);
		expect([...doubler.copies]).toEqual([["beats", 3]]);
		expect(doubler.garbage).toBe(3);
		await client.close();
	});

	it("says until when it has copied messages, and that it can't any more", async () => {
		await using nats = await startNats();
		const { host, username, password } = new URL(nats.openUrl);
		const client = await connect({ servers: host, user: username, pass: password, reconnect: false });
		await using doubler = await MessageDoubler.open(nats.openUrl, () => 0);
		expect(doubler.newestCopiedAt).toBe(0);
		const before = Date.now();
		client.publish("fanfare.beats", "a");
		await eventually("a copy", () => doubler.copies.size > 0);
		expect(doubler.newestCopiedAt).toBeGreaterThanOrEqual(before);
		expect(doubler.isConnected).toBe(true);
		await nats.kill();
		await eventually("the end of the connection", () => !doubler.isConnected);
		await client.closed();
	});
});
