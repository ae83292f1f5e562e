// Makes a test's browser slow on purpose, in a different way at each run, so that tests and pages that race fail here and not one day in CI.
import { setTimeout as delay } from "node:timers/promises";

import type { BrowserContext, Page, Request, Route } from "playwright-core";

/** The name of the variable: the longest delay of a request in milliseconds, and optionally how many times slower the page's code runs. */
const SLOW_BROWSER = "FANFARE_TEST_SLOW_BROWSER";
/** Requests whose delay changes the order of what a page sees. */
const DELAYED: ReadonlySet<string> = new Set(["document", "fetch", "script"]);
/** Responses that don't end. They can't be fetched whole, so only the request is delayed. */
const STREAMS = /\/(?:stream|requests)$/;

export interface Slowness {
	/** The longest delay of a request, in milliseconds. */
	readonly delayMs: number;
	/** How many times slower the page's code runs. */
	readonly cpu: number;
}

/** How slow browsers are to be, such as by `1500` or `1500,4`; null if they are as fast as they can be. */
export function slowness(env: Readonly<Record<string, string | undefined>> = process.env): Slowness | null {
	const text = env[SLOW_BROWSER] ?? "";
	if (text === "") return null;
	const [, delayMs, cpu = "1"] = /^(\d+)(?:,(\d+))?$/.exec(text) ?? [];
	if (delayMs !== undefined && Number(cpu) >= 1) return { delayMs: Number(delayMs), cpu: Number(cpu) };
	throw new Error(
		`${SLOW_BROWSER} must be milliseconds and optionally a factor, such as 1500 or 1500,4; got "${text}"`,
	);
}

/** Delays each request of a browser's tabs at random: one half before the server has it, the other half after it has answered. */
export async function slowDown(context: BrowserContext, { delayMs, cpu }: Slowness): Promise<void> {
	await context.route("**/*", (route, request) => passSlowly(route, request, delayMs));
	if (cpu > 1) context.on("page", (page) => void slowDownCode(context, page, cpu));
}

async function passSlowly(route: Route, request: Request, delayMs: number): Promise<void> {
	try {
		if (!DELAYED.has(request.resourceType())) return await route.continue();
		// Most are fast, and some are very slow.
		const ms = delayMs * Math.random() ** 2;
		const isAnswerLate = Math.random() < 0.5 && isWhole(request);
		if (!isAnswerLate) {
			await delay(ms);
			return await route.continue();
		}
		const response = await route.fetch({ maxRedirects: 0 });
		await delay(ms);
		await route.fulfill({ response });
	} catch {
		// The page has been closed, or the server is away, which the page notices in the same way.
		await route.abort().catch(() => {});
	}
}

function isWhole(request: Request): boolean {
	return request.resourceType() === "fetch" && !STREAMS.test(new URL(request.url()).pathname);
}

async function slowDownCode(context: BrowserContext, page: Page, rate: number): Promise<void> {
	try {
		const session = await context.newCDPSession(page);
		await session.send("Emulation.setCPUThrottlingRate", { rate });
	} catch {
		// The tab has been closed already.
	}
}
