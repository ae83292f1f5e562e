// Lists: `await` returns one page, `for await` iterates over all pages.
import type { AnswerWithText } from "./answer.ts";
import { UnexpectedResponseError } from "./errors.ts";
import type { ApiRequest, RequestOptions, Transport } from "./transport.ts";
import { elementsOf, membersOf } from "./wire/json-text.ts";

/** Parameters of every list call. All are optional. */
export interface ListParams {
	/** Entries per page, 1–1,000. Defaults to 1,000. */
	readonly limit?: number | undefined;
	/** The `nextPage` or `prevPage` of another page. Defaults to the first page. */
	readonly page?: string | undefined;
}

/** A page in the wire format. */
interface WirePage {
	readonly nextPage: string | null;
	readonly prevPage: string | null;
	readonly data: readonly unknown[];
	readonly scannedTo?: number;
}

const SAME_PAGE =
	"A page of a list names itself as its next page, so the list would never end. Check whether a proxy in between removes the query.";

type Fetch<T> = (page: string | undefined) => Promise<Page<T>>;

/** A page of a list. `for await` iterates over its entries and those of all following pages. */
export class Page<T> implements AsyncIterable<T> {
	/** The cursor of the next page, for the parameter `page`; null on the last page. */
	readonly nextPage: string | null;
	/** The cursor of the previous page, for the parameter `page`; null on the first page. */
	readonly prevPage: string | null;
	/** The entries of this page. */
	readonly data: readonly T[];
	/**
	 * Null unless the page ended early, because looking for entries that match would take too long: how far it has looked, in
	 * milliseconds since the epoch. `nextPage` goes on from there.
	 */
	readonly scannedTo: number | null;
	readonly #fetch: Fetch<T>;

	/** @internal */
	constructor(wire: Omit<WirePage, "data"> & { readonly data: readonly T[] }, fetch: Fetch<T>) {
		this.nextPage = wire.nextPage;
		this.prevPage = wire.prevPage;
		this.data = wire.data;
		this.scannedTo = wire.scannedTo ?? null;
		this.#fetch = fetch;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
		yield* this.data;
		for (let next = this.nextPage; next !== null;) {
			const page = await this.#fetch(next);
			if (page.nextPage === next) throw new UnexpectedResponseError(SAME_PAGE, { status: 200, requestId: null });
			yield* page.data;
			next = page.nextPage;
		}
	}
}

/**
 * The result of a list call. `await` returns its first page; `for await` iterates over the entries of all pages. The
 * request is sent when you do either, and only once even if you await twice.
 *
 * @example
 * const { data, nextPage } = await project.events.list({ limit: 10 });
 * for await (const event of project.events.list({ type: "order.paid" })) console.log(event.id);
 */
export class PagePromise<T> implements Promise<Page<T>>, AsyncIterable<T> {
	readonly #fetch: Fetch<T>;
	readonly #page: string | undefined;
	#first: Promise<Page<T>> | undefined;

	/** @internal */
	constructor(fetch: Fetch<T>, page: string | undefined) {
		this.#fetch = fetch;
		this.#page = page;
	}

	// oxlint-disable-next-line unicorn/no-thenable -- a list is meant to be awaited
	then<A = Page<T>, B = never>(
		onFulfilled?: ((page: Page<T>) => A | PromiseLike<A>) | null,
		onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
	): Promise<A | B> {
		return this.#firstPage().then(onFulfilled, onRejected);
	}

	catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Page<T> | B> {
		return this.#firstPage().catch(onRejected);
	}

	finally(onFinally?: (() => void) | null): Promise<Page<T>> {
		return this.#firstPage().finally(onFinally);
	}

	get [Symbol.toStringTag](): string {
		return "PagePromise";
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
		yield* await this.#firstPage();
	}

	#firstPage(): Promise<Page<T>> {
		this.#first ??= this.#fetch(this.#page);
		return this.#first;
	}
}

type ListRequest = Pick<ApiRequest, "path" | "query">;

/** The list at a path. Every page is requested with the same query except for `page`. */
export function listOf<T>(
	transport: Transport,
	request: ListRequest,
	page: string | undefined,
	options: RequestOptions | undefined,
	read: (entry: unknown) => T = (entry) => entry as T,
): PagePromise<T> {
	const fetch: Fetch<T> = async (page) => {
		const answer = await transport.request<unknown>(
			{ method: "GET", path: request.path, query: { ...request.query, page } },
			options,
		);
		const wire = wirePage(request.path, answer);
		return new Page({ ...wire, data: wire.data.map(read) }, fetch);
	};
	return new PagePromise(fetch, page);
}

/** The same for entries that are read from their text, as the server has written it. */
export function listOfTexts<T>(
	transport: Transport,
	request: ListRequest,
	page: string | undefined,
	options: RequestOptions | undefined,
	read: (entry: unknown, text: string) => T,
): PagePromise<T> {
	const fetch: Fetch<T> = async (page) => {
		const { body, text } = await transport.request<AnswerWithText>(
			{ method: "GET", path: request.path, query: { ...request.query, page }, isTextWanted: true },
			options,
		);
		const wire = wirePage(request.path, body);
		const texts = elementsOf(membersOf(text).get("data") ?? "[]");
		return new Page({ ...wire, data: wire.data.map((entry, index) => read(entry, texts[index] ?? "{}")) }, fetch);
	};
	return new PagePromise(fetch, page);
}

/** Checks that a response is a page. Otherwise a wrong response could make a loop endless or empty. */
function wirePage(path: string, answer: unknown): WirePage {
	const page = answer as WirePage | null;
	const isCursor = (cursor: unknown) => cursor === null || typeof cursor === "string";
	const isEntry = (entry: unknown) => typeof entry === "object" && entry !== null;
	const isPage = Array.isArray(page?.data) && page.data.every(isEntry);
	if (isPage && isCursor(page.nextPage) && isCursor(page.prevPage)) return page;
	const message = `GET ${path} was answered with JSON that is not a list ({"nextPage", "prevPage", "data"}).`;
	throw new UnexpectedResponseError(message, { status: 200, requestId: null });
}
