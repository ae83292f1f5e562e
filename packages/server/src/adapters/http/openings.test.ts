// New connections: how many are opened at once, and in whose turn.
import { startReceiver } from "@fanfare/testkit/receiver";
import { describe, expect, it, vi } from "vitest";

import { Openings, type Opener } from "./openings.ts";
import { openTestSender } from "./test/open-test-sender.ts";
import { reading, stoppedTime } from "./test/reading.ts";

describe("connections being opened", () => {
	it("are at most eight at once for a project and an origin, and more follow when some have ended", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca, connectTimeoutMs: 600_000 });
		// It accepts connections and never answers the TLS handshake.
		receiver.greeting = "silent";
		const url = `https://localhost:${receiver.port}`;
		const send = (projectId: string) =>
			Array.from({ length: 20 }, () => sender.send(url, { projectId, timeoutMs: 600_000 }));
		const ofA = send("proj_a");
		await receiver.waitForConnections(8);
		const ofB = send("proj_b");
		await receiver.waitForConnections(16);
		expect(receiver.connectionCount).toBe(16);
		receiver.greeting = "serve";
		receiver.closeConnections("reset");
		const outcomes = await Promise.all([...ofA, ...ofB]);
		expect(outcomes.filter(({ error }) => error === "reset")).toHaveLength(16);
		expect(outcomes.filter(({ responseCode }) => responseCode === 200)).toHaveLength(24);
	});

	it("make room for others as soon as they are open, although no answer comes", async () => {
		await using receiver = await startReceiver();
		await using sender = openTestSender();
		receiver.script(() => ({ kind: "hang" }));
		const sent = Array.from({ length: 20 }, () => sender.send(receiver.url));
		await receiver.waitFor(20);
		await sender.close();
		await Promise.all(sent);
	});

	it("are not waited for by attempts that find a connection free meanwhile, the longest waiting first", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca, connectTimeoutMs: 600_000 });
		const url = `https://localhost:${receiver.port}`;
		const answer = Promise.withResolvers<object>();
		receiver.script((_request, index) => (index === 0 ? answer.promise : {}));
		const first = sender.send(`${url}/0`);
		await receiver.waitFor(1);
		receiver.greeting = "silent";
		const paths = Array.from({ length: 10 }, (_, n) => `/${n + 1}`);
		const others = paths.map((path) => sender.send(`${url}${path}`));
		await receiver.waitForConnections(9);
		answer.resolve({});
		const outcomes = await Promise.all([first, ...others]);
		expect(outcomes.map(({ responseCode }) => responseCode)).toEqual(outcomes.map(() => 200));
		expect(receiver.requests.map(({ path }) => path)).toEqual(["/0", ...paths]);
		expect(new Set(receiver.requests.map(({ connection }) => connection))).toEqual(new Set([0]));
	});

	it("end their attempts as queued, if these were never begun within their time", async () => {
		await using receiver = await startReceiver({ tls: true });
		await using sender = openTestSender({ ca: receiver.ca, connectTimeoutMs: 600_000 });
		receiver.greeting = "silent";
		const url = `https://localhost:${receiver.port}`;
		using _ = stoppedTime();
		const sent = Array.from({ length: 10 }, () => sender.send(url, { timeoutMs: 300 }));
		await receiver.waitForConnections(8);
		await reading();
		vi.advanceTimersByTime(300);
		const outcomes = await Promise.all(sent);
		expect(outcomes.filter(({ error }) => error === "timeout")).toHaveLength(8);
		expect(outcomes.filter(({ error }) => error === "queued")).toHaveLength(2);
	});
});

describe("the line for new connections", () => {
	/** A line, and pools that want one connection each time that their turn has come. */
	function begin(max: number) {
		const openings = new Openings(max);
		const opened: string[] = [];
		const pool = (owner: string, name = owner): Opener => {
			const [projectId = "", customerId = null] = owner.split("@");
			const opener = {
				projectId,
				customerId,
				openWaiting: () => {
					if (openings.take(opener)) opened.push(name);
				},
			};
			return opener;
		};
		return { openings, opened, pool };
	}

	it("gives a project no more than are free for others", () => {
		const { openings, pool } = begin(8);
		const taken = (opener: Opener) => Array.from({ length: 10 }, () => openings.take(opener)).filter(Boolean).length;
		expect([taken(pool("a")), taken(pool("b")), taken(pool("c")), taken(pool("d"))]).toEqual([4, 2, 1, 1]);
	});

	it("gives a customer no more than are free for its project, and a project without customers all that is its own", () => {
		const { openings, pool } = begin(32);
		const taken = (opener: Opener) => Array.from({ length: 40 }, () => openings.take(opener)).filter(Boolean).length;
		const owners = ["a@1", "a@2", "a", "a@3", "a@4", "a@5", "b"];
		expect(owners.map((owner) => taken(pool(owner)))).toEqual([8, 4, 2, 1, 1, 0, 8]);
	});

	it("serves those that wait in turns of the customers of their project", () => {
		const { openings, opened, pool } = begin(3);
		const running = [pool("b"), pool("a@1")] as const;
		for (const opener of running) expect(openings.take(opener)).toBe(true);
		for (const opener of [pool("a@1", "1a"), pool("a@1", "1b"), pool("a@2", "2a"), pool("a", "0a")]) {
			expect(openings.take(opener)).toBe(false);
		}
		const seen: string[][] = [];
		const ended = [...running, pool("a@1"), pool("a@2"), pool("a"), pool("a@1")];
		for (const opener of ended) {
			openings.done(opener);
			seen.push(opened.splice(0));
		}
		expect(seen.flat().toSorted()).toEqual(["0a", "1a", "1b", "2a"]);
		expect(seen.flat().slice(0, 3)).toContain("2a");
		expect(seen.flat().slice(0, 3)).toContain("0a");
	});

	it("serves those that wait in turns of their projects, and of the pools in a project", () => {
		const { openings, opened, pool } = begin(4);
		const running = [pool("a"), pool("a"), pool("b"), pool("c")] as const;
		for (const opener of running) expect(openings.take(opener)).toBe(true);
		for (const opener of [pool("d", "d1"), pool("d", "d2"), pool("e", "e1")]) expect(openings.take(opener)).toBe(false);
		const seen = running.map((opener) => {
			openings.done(opener);
			return opened.splice(0);
		});
		// After the third, d has one connection and one is free.
		expect(seen).toEqual([["d1"], ["e1"], [], ["d2"]]);
	});

	it("passes over pools that want none any more", () => {
		const { openings, opened, pool } = begin(1);
		const [a, b, c] = [pool("a"), pool("b"), pool("c")];
		openings.take(a);
		openings.take(b);
		openings.take(c);
		openings.leave(b);
		openings.done(a);
		expect(opened).toEqual(["c"]);
	});
});
