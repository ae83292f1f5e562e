// Lists: one page to await, or everything to iterate.
import { UnexpectedResponseError } from "./errors.ts";
import type { ApiRequest, RequestOptions, Transport } from "./transport.ts";

/** What every list call takes. */
export interface ListParams {
	/** Entries a page, 1 to 1,000. The server's default is 1,000. */
	readonly limit?: number | undefined;
	/** A `nextPage` or `prevPage` of an earlier page. */
	readonly page?: string | undefined;
}

/** A page as it travels. */
interface WirePage {
	readonly nextPage: string | null;
	readonly prevPage: string | null;
	readonly data: readonly unknown[];
}

const SAME_PAGE =
	"A page of a list was answered with itself as the next, which would never end. Does a proxy stand in between that leaves out the query?";

type Fetch<T> = (page: string | undefined) => Promise<Page<T>>;

/** A page of a list, newest first. `for await` goes over its entries and on over all pages after it. */
export class Page<T> implements AsyncIterable<T> {
	/** To be handed in as `page`; null on the last page. */
	readonly nextPage: string | null;
	/** To be handed in as `page`; null on the first page. */
	readonly prevPage: string | null;
	readonly data: readonly T[];
	readonly #fetch: Fetch<T>;

	constructor(wire: { nextPage: string | null; prevPage: string | null; data: readonly T[] }, fetch: Fetch<T>) {
		this.nextPage = wire.nextPage;
		this.prevPage = wire.prevPage;
		this.data = wire.data;
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
 * A list that has not been asked for yet: awaited it is its first page, iterated it is every entry of every page. Nothing is sent
 * before either, and awaiting twice sends once.
 *
 * @example
 * const { data, nextPage } = await project.events.list({ limit: 10 });
 * for await (const event of project.events.list({ type: "order.paid" })) console.log(event.id);
 */
export class PagePromise<T> implements Promise<Page<T>>, AsyncIterable<T> {
	readonly #fetch: Fetch<T>;
	readonly #page: string | undefined;
	#first: Promise<Page<T>> | undefined;

	constructor(fetch: Fetch<T>, page: string | undefined) {
		this.#fetch = fetch;
		this.#page = page;
	}

	// oxlint-disable-next-line unicorn/no-thenable -- being awaitable is the point
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

/** The list at a path. Every page is asked for with the same query, only `page` changes. */
export function listOf<T>(
	transport: Transport,
	request: { readonly path: string; readonly query?: ApiRequest["query"] },
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
		return new Page({ nextPage: wire.nextPage, prevPage: wire.prevPage, data: wire.data.map(read) }, fetch);
	};
	return new PagePromise(fetch, page);
}

/** Checked, unlike single objects: without it, a bad answer would be an endless or an empty loop. */
function wirePage(path: string, answer: unknown): WirePage {
	const page = answer as WirePage | null;
	const isCursor = (cursor: unknown) => cursor === null || typeof cursor === "string";
	const isEntry = (entry: unknown) => typeof entry === "object" && entry !== null;
	const isPage = Array.isArray(page?.data) && page.data.every(isEntry);
	if (isPage && isCursor(page.nextPage) && isCursor(page.prevPage)) return page;
	const message = `GET ${path} was answered with JSON that is no list ({"nextPage", "prevPage", "data"}).`;
	throw new UnexpectedResponseError(message, { status: 200, requestId: null });
}
