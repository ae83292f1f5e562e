// A real Chromium for tests of the page. What a page must never do is noted: errors, refused styles and scripts, other hosts.
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";

import { fastParent, TemporaryDir } from "../temporary-dir.ts";
import { findChromium, HOW_TO_GET_CHROMIUM } from "./chromium.ts";
import { slowDown, slowness } from "./slow-browser.ts";

/** Without these, Chromium looks for updates at its maker's hosts. */
const ARGUMENTS = [
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-gpu",
	"--disable-quic",
	"--disable-sync",
	"--no-first-run",
	"--no-sandbox",
];

/**
 * How long a click or a text may take to come. Only tests that fail wait this long: the 30 s of Playwright are not enough for a machine
 * that compiles beside the tests.
 */
const PATIENCE_MS = 120_000;

export interface TabOptions {
	readonly scheme?: "light" | "dark";
	/** In CSS pixels. Defaults to 1,280 × 900. */
	readonly size?: { readonly width: number; readonly height: number };
	readonly locale?: string;
	readonly timezone?: string;
}

/**
 * Starts Chromium. Throws what to do if there is none.
 *
 * @example
 * await using browser = await startBrowser();
 * const person = await browser.person({ scheme: "dark" });
 * const page = await person.tab(`${server.url}/ui/`);
 * …
 * expect(person.problems).toEqual([]);
 */
export async function startBrowser(): Promise<TestBrowser> {
	const executablePath = findChromium();
	if (executablePath === null) throw new Error(HOW_TO_GET_CHROMIUM);
	// A home of its own: Chromium writes caches into it.
	const home = new TemporaryDir(fastParent());
	const env = { PATH: process.env["PATH"] ?? "", HOME: home.path };
	const browser = await chromium.launch({ executablePath, args: ARGUMENTS, env, chromiumSandbox: false });
	return new TestBrowser(browser, home);
}

export class TestBrowser implements AsyncDisposable {
	readonly #browser: Browser;
	readonly #home: TemporaryDir;

	constructor(browser: Browser, home: TemporaryDir) {
		this.#browser = browser;
		this.#home = home;
	}

	/** Somebody with a browser of their own: cookies and storage are shared by their tabs, and by nobody else. */
	async person(options: TabOptions = {}): Promise<Person> {
		const {
			scheme = "light",
			size = { width: 1_280, height: 900 },
			locale = "en-GB",
			timezone = "Europe/Berlin",
		} = options;
		const context = await this.#browser.newContext({
			colorScheme: scheme,
			viewport: size,
			locale,
			timezoneId: timezone,
			reducedMotion: "reduce",
		});
		context.setDefaultTimeout(PATIENCE_MS);
		const slow = slowness();
		if (slow !== null) await slowDown(context, slow);
		return new Person(context);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#browser.close();
		this.#home[Symbol.dispose]();
	}
}

export class Person implements AsyncDisposable {
	/** What pages did and must not: uncaught errors, errors in the console, requests to other hosts than the first. */
	readonly problems: string[] = [];
	readonly context: BrowserContext;
	#host: string | null = null;

	constructor(context: BrowserContext) {
		this.context = context;
		context.on("page", (page) => this.#watch(page));
	}

	/** Opens a tab. */
	async tab(url: string): Promise<Page> {
		this.#host ??= new URL(url).host;
		const page = await this.context.newPage();
		await page.goto(url);
		return page;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// A response that a test was about to change ends with the context: what its handler throws then says nothing of the page.
		const routed = [this.context, ...this.context.pages()];
		await Promise.all(routed.map((each) => each.unrouteAll({ behavior: "ignoreErrors" })));
		await this.context.close();
	}

	#watch(page: Page): void {
		page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.message}`));
		page.on("console", (message) => {
			// The browser reports each response with an error status itself; pages handle those.
			if (message.type() !== "error" || message.text().startsWith("Failed to load resource")) return;
			this.problems.push(`console: ${message.text()}`);
		});
		page.on("request", (request) => {
			const { protocol, host } = new URL(request.url());
			if (/^https?:$/.test(protocol) && this.#host !== null && host !== this.#host) {
				this.problems.push(`request to another host: ${host}`);
			}
		});
	}
}
