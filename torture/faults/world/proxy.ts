// The server delivers through a forward proxy that fails in every way in which proxies do; in one of the faults the server is
// killed meanwhile, in another one endpoints are at blocked addresses, which the proxy could reach.
import { eventually } from "@fanfare/testkit/eventually";
import { pick, shuffle } from "@fanfare/testkit/seeded-random";

import type { Fault } from "../../fault.ts";
import { addProxiedWebhooks, proxyOf, TIMEOUT_MS, useProxy, verifyProxied } from "../../harness/proxy/proxied.ts";
import type { Round } from "../../round.ts";
import { namesBlocked } from "./names-blocked.ts";

const REFUSALS = [403, 407, 502, 503];
const TROUBLES = ["refuses", "hangs", "resets", "cuts", "dies"] as const;
type Trouble = (typeof TROUBLES)[number];
const TROUBLES_PER_ROUND = 3;
/** A trouble lasts until it has struck this often. */
const STRIKES = 5;
const LONGEST_MS = 600;
const BETWEEN = 15;
/** A response to a request that came earlier has certainly reached the server. */
const RESPONSE_WITHIN_MS = 1_000;
/**
 * A connection that was reset may still deliver what it had read. And when a proxy that hung works again, it connects attempts that
 * have waited for it, and have any part of their time left for a response.
 */
const RESET_WITHIN_MS = 200;

export const proxyFails: Fault = {
	name: "proxy-fails",
	summary:
		"a forward proxy refuses, hangs, resets, cuts tunnels in responses, or dies and comes back, one after the other",
	weight: 2,
	prepare: useProxy,
	setUp: addProxiedWebhooks,
	strike: async (round) => {
		const random = round.random("troubles");
		for (const trouble of shuffle(random, TROUBLES).slice(0, TROUBLES_PER_ROUND)) {
			await begin(round, trouble);
			await struck(round, trouble);
			await round.moment(random, LONGEST_MS);
			await end(round);
			await round.load(BETWEEN);
		}
	},
	verify: async (round) => verifyProxied(round),
};

export const proxyKill: Fault = {
	name: "proxy-kill",
	summary: "SIGKILL of the server while its forward proxy fails, and a start before the proxy works again",
	weight: 1,
	prepare: useProxy,
	setUp: addProxiedWebhooks,
	strike: async (round) => {
		const random = round.random("troubles");
		const trouble = pick(random, TROUBLES);
		await begin(round, trouble);
		await struck(round, trouble);
		await round.moment(random, LONGEST_MS);
		await round.kill();
		await round.restart();
		await round.moment(random, LONGEST_MS);
		await end(round);
		round.recovering();
	},
	verify: async (round) => verifyProxied(round),
};

export const proxyBlocked: Fault = {
	...namesBlocked,
	name: "proxy-blocked",
	summary: "names that resolve to blocked addresses, behind a forward proxy that would connect to any address",
	prepare: useProxy,
	verify: async (round) => {
		await namesBlocked.verify?.(round);
		verifyProxied(round);
	},
};

async function begin(round: Round, trouble: Trouble): Promise<void> {
	const proxy = proxyOf(round);
	proxy.troubleCount = 0;
	const from = Date.now();
	if (trouble === "dies") await proxy.die();
	else {
		if (trouble === "refuses") proxy.mood = { kind: "answer", status: pick(round.random("refusal"), REFUSALS) };
		else if (trouble === "hangs") {
			proxy.mood = { kind: "hang" };
			// What waits there reaches its receiver when the proxy works again.
			round.onTheWayMs = TIMEOUT_MS;
		} else if (trouble === "resets") proxy.mood = { kind: "reset" };
		else proxy.mood = { kind: "cut" };
		// Otherwise the tunnels that are open would be used on.
		proxy.resetAll();
	}
	const to = trouble === "cuts" ? Infinity : Date.now();
	round.unclear.push({ from, to, beforeMs: RESPONSE_WITHIN_MS, afterMs: RESET_WITHIN_MS });
}

/** Waits until the trouble has struck, and checks that the server gives the proxy as the reason. */
async function struck(round: Round, trouble: Trouble): Promise<void> {
	const proxy = proxyOf(round);
	if (trouble === "dies") return;
	await eventually(`the proxy to be asked while it ${trouble}`, () => proxy.troubleCount >= STRIKES);
	if (trouble !== "refuses" || proxy.mood.kind !== "answer") return;
	const { status, reason } = await round.project.batch.webhooks.test(round.webhook("refusing").id);
	const saysWhy = reason?.includes("the proxy") === true && reason.includes(String(proxy.mood.status));
	round.expect(status === "Failed" && saysWhy, `a test while the proxy answers ${proxy.mood.status} says: ${reason}`);
}

async function end(round: Round): Promise<void> {
	const proxy = proxyOf(round);
	const { kind } = proxy.mood;
	const at = Date.now();
	proxy.mood = { kind: "tunnel" };
	await proxy.revive();
	if (kind === "hang") round.unclear.push({ from: at, to: Date.now(), afterMs: RESET_WITHIN_MS });
	if (kind !== "cut") return;
	// Each of these tunnels would still be cut.
	proxy.resetAll();
	const period = round.unclear.pop();
	if (period !== undefined) round.unclear.push({ ...period, to: Date.now(), afterMs: RESET_WITHIN_MS });
}
