// <fanfare-portal> in a real browser, in a page of another origin than the portal's: what it tells the portal, and whom it believes.
import { startBrowser, type Person, type TestBrowser } from "@fanfare/testkit/browser/browser";
import { findChromium, HOW_TO_GET_CHROMIUM } from "@fanfare/testkit/browser/chromium";
import type { Frame, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { PortalOptions } from "../src/index.ts";
import { startHost, startStandIn, type StandIn } from "./pages.ts";

declare const window: Window & StandIn & { errors: string[]; calls: number; show(props: unknown): void };

const ENVELOPE = { source: "fanfare-portal", version: 1 };
const TOKEN = "ps_first";

const canRun = findChromium() !== null;
if (!canRun) process.stderr.write(`skipped: ${HOW_TO_GET_CHROMIUM}\n`);

describe.skipIf(!canRun && process.env["CI"] !== "true")("<fanfare-portal>", () => {
	const opened = new AsyncDisposableStack();
	let browser: TestBrowser;
	/** The origin of the portal, one that is no portal, and that of the page. */
	let [portal, foreign, own] = ["", "", ""];
	/** Of the test that runs, whose page may report errors only if it says so. */
	let person: Person;
	let mayFail = false;
	beforeAll(async () => {
		const { port } = opened.use(await startStandIn());
		[portal, foreign] = [`http://127.0.0.1:${port}`, `http://127.0.0.2:${port}`];
		own = `http://localhost:${opened.use(await startHost(`${portal} ${foreign}`)).port}`;
		browser = opened.use(await startBrowser());
	});
	afterAll(() => opened.disposeAsync());
	beforeEach(async () => {
		person = await browser.person();
		mayFail = false;
	});
	afterEach(async () => {
		await person[Symbol.asyncDispose]();
		const problems = person.problems.filter((problem) => !problem.includes(`another host: 127.0.0.`));
		if (!mayFail) expect(problems).toEqual([]);
	});

	/** Opens the page with this markup. */
	async function open(markup = "", script = "/portal.js", setUp: (page: Page) => Promise<unknown> = async () => {}) {
		const page = await person.tab(own);
		await setUp(page);
		await page.evaluate((markup) => {
			document.body.innerHTML = markup;
			Object.assign(window, { errors: [] });
			addEventListener("error", ({ message }) => window.errors.push(message));
		}, markup);
		if (script !== "") await load(page, script);
		return page;
	}
	/** Opens the page with this markup, and returns it with the portal in its frame. */
	async function embed(...args: Parameters<typeof open>) {
		const page = await open(...args);
		return { page, frame: await frameOf(page) };
	}

	const load = (page: Page, script: string) => page.addScriptTag({ url: script, type: "module" });
	const heightOf = (page: Page) => page.locator("fanfare-portal").evaluate((element) => element.clientHeight);
	const frameOf = async (page: Page): Promise<Frame> => {
		const handle = await page.locator("fanfare-portal iframe").elementHandle();
		const frame = (await handle?.contentFrame())!;
		await frame.waitForFunction(() => window.received !== undefined);
		return frame;
	};
	const received = (frame: Frame) => frame.evaluate(() => window.received);
	/** Waits until the portal has been told so much. */
	const told = (frame: Frame, ...messages: unknown[]) =>
		expect
			.poll(() => received(frame))
			.toEqual(messages.map((message) => ({ data: { ...ENVELOPE, ...(message as object) }, origin: own })));
	const say = (frame: Frame, message: object) =>
		frame.evaluate((message) => window.say(message), { ...ENVELOPE, ...message });
	const set = (page: Page, options: Omit<PortalOptions, "onExpired">) =>
		page.evaluate((options) => void Object.assign(document.querySelector("fanfare-portal")!, options), options);
	const errors = (page: Page) => page.evaluate(() => window.errors);
	const session = (more: object = {}) => ({ kind: "session", token: TOKEN, theme: {}, ...more });
	const markup = (more = `token="${TOKEN}"`) => `<fanfare-portal src="${portal}" ${more}></fanfare-portal>`;

	it("shows the portal in a frame that may do little, and hands it the token when it is there", async () => {
		const { page, frame } = await embed(markup('token="ps_first" title="Webhooks of Acme"'));
		await told(frame, session());
		expect(frame.url()).toBe(`${portal}/portal/?host=${encodeURIComponent(own)}`);
		const attributes = await page
			.locator("fanfare-portal iframe")
			.evaluate((element) => Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value])));
		expect(attributes).toMatchObject({
			sandbox: "allow-scripts allow-same-origin allow-forms",
			allow: "clipboard-write",
			referrerpolicy: "no-referrer",
			title: "Webhooks of Acme",
		});
		expect(await frame.evaluate(() => document.referrer)).toBe("");
	});

	it("takes the token out of the markup, and gives it to nobody who asks for it", async () => {
		const page = await open(`<fanfare-portal url="${portal}/portal/#t=${TOKEN}"></fanfare-portal>`);
		await told(await frameOf(page), session());
		const seen = await page.evaluate(() => {
			const portal = document.querySelector("fanfare-portal")!;
			return [portal.outerHTML, portal.shadowRoot!.innerHTML, portal.token, portal.url].join(" ");
		});
		expect(seen).toContain("iframe");
		expect(seen).not.toContain("ps_");
	});

	it("shows the portal behind the path prefix of a proxy", async () => {
		const page = await open(`<fanfare-portal src="${portal}/hooks//" token="${TOKEN}"></fanfare-portal>`);
		expect((await frameOf(page)).url()).toContain(`${portal}/hooks/portal/?host=`);
	});

	it("tells the look, the language and the time zone, and each change of them", async () => {
		const look = 'accent="#0a7d55" radius="8" font="Inter" background="#fff" scheme="dark" locale="de" time-zone="UTC"';
		const { page, frame } = await embed(markup(`token="${TOKEN}" ${look}`));
		const theme = { accent: "#0a7d55", radius: 8, font: "Inter", background: "#fff", scheme: "dark" } as const;
		const first = session({ theme, locale: "de", timeZone: "UTC" });
		await told(frame, first);
		await set(page, { theme: { ...theme, scheme: "light" } });
		const second = { kind: "theme", theme: { ...theme, scheme: "light" } };
		await told(frame, first, second);
		await set(page, { locale: "en", theme: { ...theme, scheme: "light" } });
		const third = { ...first, theme: second.theme, locale: "en" };
		await told(frame, first, second, third);
		await set(page, { token: "ps_second" });
		await told(frame, first, second, third, { ...third, token: "ps_second" });
	});

	it("is as high as the portal says, within bounds", async () => {
		const { page, frame } = await embed(markup());
		const height = () => heightOf(page);
		await say(frame, { kind: "resize", height: 712.3 });
		await expect.poll(height).toBe(713);
		for (const wrong of [-1, Number.NaN, "900", null, [900], { valueOf: 900 }]) {
			await say(frame, { kind: "resize", height: wrong });
		}
		await say(frame, { kind: "resize", height: 400 });
		await expect.poll(height).toBe(400);
		for (const huge of [1e9, Number.POSITIVE_INFINITY]) {
			await say(frame, { kind: "resize", height: huge });
			await expect.poll(height).toBe(20_000);
			await say(frame, { kind: "resize", height: 0 });
			await expect.poll(height).toBe(0);
		}
	});

	it("believes nobody but the portal in its frame", async () => {
		const { page, frame } = await embed(
			`${markup()}<iframe src="${portal}/other"></iframe><iframe src="${foreign}/"></iframe>`,
		);
		await told(frame, session());
		await say(frame, { kind: "resize", height: 500 });
		const height = () => heightOf(page);
		await expect.poll(height).toBe(500);
		await page.evaluate(() => {
			const count = () => Promise.resolve(`ps_${(window.calls += 1)}`);
			window.calls = 0;
			Object.assign(document.querySelector("fanfare-portal")!, { onExpired: count });
		});
		// Another frame of the same origin, one of another origin, and the page itself.
		const others = page.frames().filter((other) => other !== frame && other !== page.mainFrame());
		expect(others).toHaveLength(2);
		for (const other of others) await other.waitForFunction(() => window.received !== undefined);
		for (const message of [{ kind: "ready" }, { kind: "expired" }, { kind: "resize", height: 111 }]) {
			for (const other of others) await say(other, message);
			await page.evaluate((message) => postMessage(message, "*"), { ...ENVELOPE, ...message });
			await page.evaluate((message) => dispatchEvent(new MessageEvent("message", { data: message })), {
				...ENVELOPE,
				...message,
			});
			for (const wrong of [{ version: 2 }, { source: "other" }, { version: "1" }])
				await say(frame, { ...message, ...wrong });
		}
		await frame.evaluate(() => [null, 1, "ready", []].map((message) => window.say(message)));
		// All of these were handled: what the portal itself says comes after them.
		await say(frame, { kind: "resize", height: 501 });
		await expect.poll(height).toBe(501);
		expect(await page.evaluate(() => window.calls)).toBe(0);
		await told(frame, session());
	});

	it("hands the token to no page of another origin that its frame may have gone to", async () => {
		const { page, frame } = await embed(markup());
		await told(frame, session());
		await frame.goto(`${foreign}/portal/`);
		await say(frame, { kind: "ready" });
		await say(frame, { kind: "resize", height: 111 });
		await set(page, { token: "ps_second" });
		await set(page, { theme: { scheme: "dark" } });
		await frame.goto(`${portal}/portal/`);
		await told(frame, session({ token: "ps_second", theme: { scheme: "dark" } }));
		expect(await heightOf(page)).not.toBe(111);
	});

	it("asks for the first token if it has none, and for another one when the session has ended", async () => {
		const page = await open("<div></div>");
		await page.evaluate((src) => {
			window.calls = 0;
			const onExpired = () => Promise.resolve(`ps_${(window.calls += 1)}`);
			document.body.append(Object.assign(document.createElement("fanfare-portal"), { src, onExpired }));
		}, portal);
		const frame = await frameOf(page);
		await told(frame, session({ token: "ps_1" }));
		// It says so several times while the page fetches one, and at once again: the next call comes after a pause.
		await frame.evaluate(
			(message) => {
				for (let count = 0; count < 3; count++) window.say(message);
			},
			{ ...ENVELOPE, kind: "expired" },
		);
		await told(frame, session({ token: "ps_1" }), session({ token: "ps_2" }));
		expect(await page.evaluate(() => window.calls)).toBe(2);
	});

	it("asks a page that is slower than the portal as soon as it can be asked", async () => {
		const { page, frame } = await embed(markup(""));
		// The "ready" of the portal is handled once its frame fits.
		await say(frame, { kind: "resize", height: 432 });
		await expect.poll(() => heightOf(page)).toBe(432);
		await page.evaluate(() => {
			Object.assign(document.querySelector("fanfare-portal")!, { onExpired: () => "ps_late" });
		});
		await told(frame, session({ token: "ps_late" }));
	});

	it("reports to the page that it got no token, and asks again when the portal does", async () => {
		const { page, frame } = await embed(markup(), "/portal.js", (page) => page.clock.install());
		await told(frame, session());
		await page.evaluate(() => {
			const answers = [
				() => Promise.reject(new Error("503 from /token")),
				() => undefined,
				() => "sk_oops",
				() => "ps_new",
			];
			const portal = document.querySelector("fanfare-portal")!;
			Object.assign(portal, { onExpired: () => answers.shift()!() });
		});
		const wrong = "Uncaught TypeError: onExpired must return the token of a portal session, which begins with ps_";
		const seen = [];
		for (const error of ["Uncaught Error: 503 from /token", wrong, wrong]) {
			await say(frame, { kind: "expired" });
			seen.push(error);
			await expect
				.poll(async () => {
					await page.clock.fastForward(5_000);
					return errors(page);
				})
				.toEqual(seen);
		}
		expect(JSON.stringify(await errors(page))).not.toContain("oops");
		await say(frame, { kind: "expired" });
		await expect
			.poll(async () => {
				await page.clock.fastForward(5_000);
				return (await received(frame)).map(({ data }) => data["token"]);
			})
			.toEqual([TOKEN, "ps_new"]);
		mayFail = true;
	});

	it("refuses an address that is not one of a server", async () => {
		const page = await open("<fanfare-portal></fanfare-portal>");
		for (const src of ["javascript:alert(1)//", "data:text/html,x"]) {
			await set(page, { src });
			await expect.poll(() => errors(page)).toContainEqual(expect.stringContaining("needs the http or https URL"));
		}
		expect(await page.locator("fanfare-portal iframe").count()).toBe(0);
		mayFail = true;
	});

	it("can be moved and taken out of the page, and has what it was given before it was defined", async () => {
		const page = await open("<div></div><fanfare-portal></fanfare-portal>", "");
		await set(page, { src: portal, token: TOKEN, theme: { radius: 3 } });
		await load(page, "/portal.js");
		// Another copy of the package finds the element defined.
		await load(page, "/portal.js?again");
		await told(await frameOf(page), session({ theme: { radius: 3 } }));
		await page.evaluate(() => document.querySelector("div")!.append(document.querySelector("fanfare-portal")!));
		await told(await frameOf(page), session({ theme: { radius: 3 } }));
		await page.evaluate(() => document.querySelector("fanfare-portal")!.remove());
		await expect.poll(() => page.frames().length).toBe(1);
	});

	it("is a component of React, which keeps the newest token through renders with an old one", async () => {
		const page = await open("", "/react.js");
		const show = (props: object) =>
			page.evaluate((props) => window.show({ ...props, onExpired: () => Promise.resolve("ps_new") }), props);
		await show({ src: portal, token: TOKEN, theme: { scheme: "dark" }, className: "wide" });
		const frame = await frameOf(page);
		const first = session({ theme: { scheme: "dark" } });
		await told(frame, first);
		await say(frame, { kind: "expired" });
		const second = { ...first, token: "ps_new" };
		await told(frame, first, second);
		await show({ src: portal, token: TOKEN, theme: { scheme: "light" }, className: "wide" });
		const third = { kind: "theme", theme: { scheme: "light" } };
		await told(frame, first, second, third);
		await show({ src: portal, token: "ps_other" });
		await told(frame, first, second, third, { kind: "theme", theme: {} }, session({ token: "ps_other" }));
		expect(await page.locator("fanfare-portal").getAttribute("token")).toBeNull();
		await page.evaluate(() => window.show(null));
		await expect.poll(() => page.frames().length).toBe(1);
	});
});
