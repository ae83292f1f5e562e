// How many requests a client makes, its retries included.

export class RequestCount {
	#value = 0;

	get value(): number {
		return this.#value;
	}

	/** To be handed to a client as its `fetch`. */
	readonly fetch = (url: string, init: RequestInit): Promise<Response> => {
		this.#value++;
		return fetch(url, init);
	};
}
