// What the tests of the page share: a built page, a real server, a real Chromium, and people who use it.
import { axeFindings } from "@fanfare/testkit/browser/axe";
import { startBrowser, type Person, type TabOptions, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { startDemoWorld } from "@fanfare/testkit/browser/demo-world";
import { startReceiver, type Receiver } from "@fanfare/testkit/receiver";
import { startServerProcess, type ServerOptions, type ServerProcess } from "@fanfare/testkit/server-process";
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { ensurePage } from "../../../scripts/page-build.ts";
import { atEndOfWorker } from "../../../scripts/testing/worker-end.ts";

/** The retries of a webhook whose deliveries fail at their first attempt. */
export const ONCE = { maxRetries: 0, maxRetryDelay: 0 } as const;

export interface World {
	readonly server: ServerProcess;
	readonly browser: TestBrowser;
	/**
	 * Opens a path of the page, such as `webhooks`, as somebody who is signed in to the first project. After the test, the browser is closed, and
	 * the test fails if the page has done what a page must never do.
	 */
	open(path?: string, options?: OpenOptions): Promise<Tab>;
	/** The address of a path of the page, such as `webhooks`, in the first project. */
	url(path?: string): string;
	/** Closes this person's browser after the test, which fails if their pages have done what a page must never do. */
	watch(person: Person): Person;
	/** A receiver that answers with this status, 200 if it is omitted. It is closed after the test. */
	receiver(status?: number): Promise<Receiver>;
}

export interface SuiteOptions extends ServerOptions {
	/** With a project as a product would have it, instead of an empty one. */
	readonly isDemo?: boolean;
}

export interface OpenOptions extends TabOptions {
	/** The key to sign in with. Defaults to the server's admin key. */
	readonly key?: string;
	/** Signs in on the screen to which the page leads. By default, the browser has the session already, which is much faster. */
	readonly byForm?: boolean;
}

export interface Tab {
	readonly page: Page;
	readonly person: Person;
}

/** The browser of all suites of a test process, which runs one file after the other. */
let sharedBrowser: Promise<TestBrowser> | null = null;

async function openBrowser(): Promise<TestBrowser> {
	const browser = await startBrowser();
	atEndOfWorker(() => browser[Symbol.asyncDispose]());
	return browser;
}

/**
 * A suite in a real browser. Without Chromium it is skipped with the reason; with CI=true that is a failure. Every tab is checked for
 * what a page must never do.
 */
export function pageSuite(name: string, define: (world: World) => void, options: SuiteOptions = {}): void {
	if (findChromium() === null) {
		if (process.env["CI"] === "true") it(name, () => expect.fail(HOW_TO_GET_CHROMIUM));
		else it(name, ({ skip }) => skip(HOW_TO_GET_CHROMIUM));
		return;
	}
	describe(name, () => {
		const opened = new AsyncDisposableStack();
		let server: ServerProcess;
		let browser: TestBrowser;
		beforeAll(async () => {
			await ensurePage();
			const { isDemo = false, ...serverOptions } = options;
			server = isDemo ? opened.use(await startDemoWorld()).server : opened.use(await startServerProcess(serverOptions));
			sharedBrowser ??= openBrowser();
			try {
				browser = await sharedBrowser;
			} catch (error) {
				// The next suite tries it again.
				sharedBrowser = null;
				throw error;
			}
		});
		afterAll(() => opened.disposeAsync());
		const people: Person[] = [];
		const receivers: Receiver[] = [];
		afterEach(async () => {
			const those = people.splice(0);
			for (const opened of [...those, ...receivers.splice(0)]) await opened[Symbol.asyncDispose]();
			expect(those.flatMap(({ problems }) => problems)).toEqual([]);
		});
		const watch = (person: Person) => {
			people.push(person);
			return person;
		};
		const url = (path = "") => `${server.url}/ui/${server.projectId}/${path}`;
		define({
			get server() {
				return server;
			},
			get browser() {
				return browser;
			},
			url,
			watch,
			async receiver(status = 200) {
				const receiver = await startReceiver();
				receiver.script(() => ({ status }));
				receivers.push(receiver);
				return receiver;
			},
			async open(path, { key = server.key, byForm = false, ...tabOptions } = {}) {
				const person = watch(await browser.person(tabOptions));
				if (!byForm) await beginSession(person, server, key);
				const page = await person.tab(url(path));
				if (byForm) await signIn(page, key);
				else await page.locator("#content").waitFor();
				return { page, person };
			},
		});
	});
}

/** Signs in with the call that the screen makes, whose response sets the browser's cookie. */
async function beginSession({ context }: Person, server: ServerProcess, key: string): Promise<void> {
	const response = await context.request.post(`${server.url}/sessions`, {
		data: { key },
		headers: { "fanfare-page": "1" },
	});
	expect(response.status()).toBe(200);
}

/** Signs in on the screen to which a person without a session is led. */
export async function signIn(page: Page, key: string): Promise<void> {
	await page.getByLabel("API key").fill(key);
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.locator("#content").waitFor();
}

/** Makes a tab visible or hidden, as a browser does when somebody looks at another tab. */
export async function show(page: Page, isVisible: boolean): Promise<void> {
	await page.evaluate(
		(state) => {
			Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
			document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
		},
		isVisible ? "visible" : "hidden",
	);
}

/** Waits until the element has the focus. */
export function focusOn(target: Locator): Promise<void> {
	return expect.poll(() => target.evaluate((element) => element === document.activeElement)).toBe(true);
}

/** By how many pixels the page is wider than its window. */
export function overflowOf(page: Page): Promise<number> {
	return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Leads to an address as a link does, without a new document. */
export async function follow(page: Page, url: string): Promise<void> {
	await page.evaluate((url) => {
		history.pushState({}, "", url);
		dispatchEvent(new PopStateEvent("popstate"));
	}, url);
}

/** What axe objects to in dark and in light colours. */
export async function findingsInColours(page: Page): Promise<string[]> {
	const findings: string[] = [];
	for (const colorScheme of ["dark", "light"] as const) {
		await page.emulateMedia({ colorScheme });
		await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
		findings.push(...(await axeFindings(page)).map((finding) => `${colorScheme}: ${finding}`));
	}
	return findings;
}
