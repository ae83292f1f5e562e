// <fanfare-portal>: shows the portal in a frame that fits its height, and hands it the token of a portal session by messages.

/** Names every message between this page and the portal, with the version of what they say to each other. */
const ENVELOPE = { source: "fanfare-portal", version: 1 };
/** As little as the portal can do with: it runs scripts, keeps its origin, and has forms and a button that copies. */
const SANDBOX = "allow-scripts allow-same-origin allow-forms";
const STYLE = ":host{display:block}:host([hidden]){display:none}iframe{display:block;width:100%;height:30rem;border:0}";
/** No frame grows beyond this, whatever it asks for. */
const MAX_HEIGHT_PX = 20_000;
/** How long the next call of `onExpired` waits after the last one, so that tokens that never work cost your server little. */
const RENEW_PAUSE_MS = 5_000;
const THEME = ["accent", "radius", "font", "background", "scheme"] as const;

/** The look of the portal. What is missing is as the portal session says. */
export interface PortalTheme {
	/** `#rgb` or `#rrggbb`: buttons and links. */
	readonly accent?: string | undefined;
	/** 0–32 pixels: how round corners are. */
	readonly radius?: number | undefined;
	/** The name of one font family that the reader's device has. */
	readonly font?: string | undefined;
	/** `#rgb` or `#rrggbb`. */
	readonly background?: string | undefined;
	/** Dark or light; `auto` follows the reader's device. */
	readonly scheme?: "light" | "dark" | "auto" | undefined;
}

/** What the element can be given. */
export interface PortalOptions {
	/** The address of the Fanfare server, including the path prefix of a proxy. Needed unless there is a `url`. */
	src?: string | undefined;
	/** The `url` of a portal session, which has both the address and the token. */
	url?: string | undefined;
	/** The `token` of a portal session. If omitted, `onExpired` is called for the first one. */
	token?: string | undefined;
	/** The look of the portal. Optional. */
	theme?: PortalTheme | undefined;
	/** The language of the portal, such as `de`. Defaults to that of the portal session, or else of the browser. */
	locale?: string | undefined;
	/** The time zone of dates, such as `Europe/Berlin`. Defaults to that of the browser. */
	timeZone?: string | undefined;
	/** Called when the portal session has ended. Returns the `token` of a new one, which your server makes. */
	onExpired?: (() => string | Promise<string>) | undefined;
}

// Importing this file in Node, as when a page is rendered on a server, must do nothing.
const Base = globalThis.HTMLElement ?? (Object as never);

/**
 * The portal in a page of your own. `url` and `token` are taken out of the markup as soon as they are read, so that nothing that
 * records the page has them.
 *
 * @example
 * const portal = document.querySelector("fanfare-portal");
 * portal.onExpired = async () => (await fetch("/portal-token", { method: "POST" })).text();
 * portal.src = "https://fanfare.example.com";
 */
export class FanfarePortalElement extends Base implements PortalOptions {
	static readonly observedAttributes = ["src", "url", "token", "locale", "time-zone", ...THEME];

	#onExpired: PortalOptions["onExpired"];
	#frame: HTMLIFrameElement | undefined;
	/** The portal's page: its address without query and fragment. */
	#page: URL | undefined;
	#token: string | undefined;
	/** What was given last: to give the same again, as React does, must not bring back a token that `onExpired` has replaced. */
	readonly #given: { url?: string; token?: string } = {};
	#isReady = false;
	/** The portal has asked for a token before there was an `onExpired`. */
	#isAsked = false;
	#isRenewing = false;
	#mayRenewAt = 0;

	get src(): string | undefined {
		return this.getAttribute("src") ?? undefined;
	}

	set src(value) {
		this.#reflect("src", value);
	}

	get url(): undefined {
		return undefined;
	}

	set url(value: string | undefined) {
		if (!this.#isNew("url", value)) return;
		this.#token = new URLSearchParams(new URL(value, document.baseURI).hash.slice(1)).get("t") ?? undefined;
		this.#open(value);
		this.#sendSession();
	}

	get token(): undefined {
		return undefined;
	}

	set token(value: string | undefined) {
		if (!this.#isNew("token", value)) return;
		this.#token = value;
		this.#sendSession();
	}

	get onExpired(): PortalOptions["onExpired"] {
		return this.#onExpired;
	}

	set onExpired(value) {
		this.#onExpired = value;
		if (this.#isAsked) void this.#renew();
	}

	get theme(): PortalTheme {
		const values = THEME.map((name) => [name, this.getAttribute(name)] as const);
		return Object.fromEntries(
			values.flatMap(([name, value]) => (value === null ? [] : [[name, name === "radius" ? Number(value) : value]])),
		);
	}

	set theme(value: PortalTheme | undefined) {
		for (const name of THEME) this.#reflect(name, value?.[name]);
	}

	get locale(): string | undefined {
		return this.getAttribute("locale") ?? undefined;
	}

	set locale(value) {
		this.#reflect("locale", value);
	}

	get timeZone(): string | undefined {
		return this.getAttribute("time-zone") ?? undefined;
	}

	set timeZone(value) {
		this.#reflect("time-zone", value);
	}

	/** @internal Called by the browser. */
	connectedCallback(): void {
		// What a framework has set before this class was there would hide the properties of the class.
		for (const name of ["onExpired", "src", "url", "token", "theme", "locale", "timeZone"] as const) {
			const own = Object.getOwnPropertyDescriptor(this, name);
			if (own === undefined) continue;
			delete this[name];
			Object.assign(this, { [name]: own.value });
		}
		addEventListener("message", this.#onMessage);
		this.#show();
	}

	/** @internal Called by the browser. */
	disconnectedCallback(): void {
		removeEventListener("message", this.#onMessage);
		this.#frame?.remove();
		this.#frame = undefined;
		this.#isReady = false;
	}

	/** @internal Called by the browser. */
	attributeChangedCallback(name: string, before: string | null, value: string | null): void {
		if (before === value) return;
		if (name === "locale" || name === "time-zone") this.#sendSession();
		else if ((THEME as readonly string[]).includes(name)) this.#send({ kind: "theme", theme: this.theme });
		else if (value === null) return;
		else if (name === "src") this.#open(`${value.replace(/\/+$/, "")}/portal/`);
		else {
			this[name as "url" | "token"] = value;
			this.removeAttribute(name);
		}
	}

	#isNew(name: "url" | "token", value: string | null | undefined): value is string {
		if (value === undefined || value === null || value === this.#given[name]) return false;
		this.#given[name] = value;
		return true;
	}

	#reflect(name: string, value: string | number | null | undefined): void {
		if (value === undefined || value === null) this.removeAttribute(name);
		else this.setAttribute(name, String(value));
	}

	#open(address: string): void {
		const { protocol, origin, pathname } = new URL(address, document.baseURI);
		if (!/^https?:$/.test(protocol)) {
			throw new TypeError(`<fanfare-portal> needs the http or https URL of a Fanfare server, got one with ${protocol}`);
		}
		this.#page = new URL(origin + pathname);
		this.#show();
	}

	/** Shows the portal in a frame, if the element is in the document and knows where the portal is. */
	#show(): void {
		if (this.#page === undefined || !this.isConnected) return;
		const address = `${this.#page.href}?host=${encodeURIComponent(location.origin)}`;
		if (this.#frame?.src === address) return;
		this.#isReady = false;
		this.#frame?.remove();
		const frame = document.createElement("iframe");
		// Before it loads: none of these has an effect on a page that is there already.
		frame.setAttribute("sandbox", SANDBOX);
		frame.allow = "clipboard-write";
		frame.referrerPolicy = "no-referrer";
		frame.title = this.title || "Webhooks";
		frame.src = address;
		this.#frame = frame;
		this.#root().append(frame);
	}

	#root(): ShadowRoot {
		if (this.shadowRoot !== null) return this.shadowRoot;
		const root = this.attachShadow({ mode: "open" });
		// Unlike an element, it needs no permission of the page's Content-Security-Policy.
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(STYLE);
		root.adoptedStyleSheets = [sheet];
		return root;
	}

	readonly #onMessage = ({ source, origin, data }: MessageEvent): void => {
		if (source !== this.#frame?.contentWindow || origin !== this.#page?.origin) return;
		if (data?.source !== ENVELOPE.source || data.version !== ENVELOPE.version) return;
		if (data.kind === "ready") {
			this.#isReady = true;
			if (this.#token === undefined) void this.#renew();
			else this.#sendSession();
		} else if (data.kind === "expired") {
			void this.#renew();
		} else if (data.kind === "resize" && typeof data.height === "number" && data.height >= 0) {
			this.#frame.style.height = `${Math.min(Math.ceil(data.height), MAX_HEIGHT_PX)}px`;
		}
	};

	/** Asks the page for the token of a new portal session, one at a time. */
	async #renew(): Promise<void> {
		const ask = this.#onExpired;
		this.#isAsked = ask === undefined;
		if (this.#isRenewing || ask === undefined) return;
		this.#isRenewing = true;
		try {
			await new Promise((resolve) => setTimeout(resolve, this.#mayRenewAt - Date.now()));
			this.#mayRenewAt = Date.now() + RENEW_PAUSE_MS;
			const token = await ask();
			if (typeof token !== "string" || !token.startsWith("ps_")) {
				throw new TypeError("onExpired must return the token of a portal session, which begins with ps_");
			}
			this.#token = token;
			this.#sendSession();
		} catch (error) {
			reportError(error);
		} finally {
			this.#isRenewing = false;
		}
	}

	#sendSession(): void {
		if (this.#token === undefined) return;
		this.#isAsked = false;
		const { theme, locale, timeZone } = this;
		this.#send({ kind: "session", token: this.#token, theme, locale, timeZone });
	}

	/** Only the portal gets it: not another page to which the frame may have gone. */
	#send(message: Readonly<Record<string, unknown>>): void {
		if (!this.#isReady || this.#page === undefined) return;
		this.#frame?.contentWindow?.postMessage({ ...ENVELOPE, ...message }, this.#page.origin);
	}
}

declare global {
	interface HTMLElementTagNameMap {
		"fanfare-portal": FanfarePortalElement;
	}
}

const registry = globalThis.customElements as CustomElementRegistry | undefined;
if (registry?.get("fanfare-portal") === undefined) registry?.define("fanfare-portal", FanfarePortalElement);
