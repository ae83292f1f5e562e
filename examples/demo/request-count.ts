// Counts the requests that a client makes, including its retries.

export class RequestCount {
	#value = 0;

	get value(): number {
		return this.#value;
	}

	/** To be passed to a client as its `fetch`. */
	readonly fetch = (url: string, init: RequestInit): Promise<Response> => {
		this.#value++;
		return fetch(url, init);
	};
}
