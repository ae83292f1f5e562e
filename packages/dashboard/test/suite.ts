// What the tests of the page share: a built page, a real server, a real Chromium, and people who use it.
import { startBrowser, type Person, type TabOptions, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import { startDemoWorld } from "@fanfare/testkit/browser/demo-world";
import { startServerProcess, type ServerOptions, type ServerProcess } from "@fanfare/testkit/server-process";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { ensurePage } from "../../../scripts/page-build.ts";
import { atEndOfWorker } from "../../../scripts/testing/worker-end.ts";

export interface World {
	readonly server: ServerProcess;
	readonly browser: TestBrowser;
	/** Opens a path of the page, such as `webhooks`, as somebody who is signed in to the first project. */
	open(path?: string, options?: OpenOptions): Promise<Tab>;
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

export interface Tab extends AsyncDisposable {
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
		define({
			get server() {
				return server;
			},
			get browser() {
				return browser;
			},
			open: (path, tabOptions) => openTab(server, browser, path, tabOptions),
		});
	});
}

async function openTab(
	server: ServerProcess,
	browser: TestBrowser,
	path = "",
	{ key = server.key, byForm = false, ...options }: OpenOptions = {},
): Promise<Tab> {
	const person = await browser.person(options);
	if (!byForm) await beginSession(person, server, key);
	const page = await person.tab(`${server.url}/ui/${server.projectId}/${path}`);
	if (byForm) await signIn(page, key);
	else await page.locator("#content").waitFor();
	return {
		page,
		person,
		async [Symbol.asyncDispose]() {
			const { problems } = person;
			await person[Symbol.asyncDispose]();
			expect(problems).toEqual([]);
		},
	};
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
			document.dispatchEvent(new Event("visibilitychange"));
		},
		isVisible ? "visible" : "hidden",
	);
}
