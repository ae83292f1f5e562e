// The page around the portal, if there is one that speaks with it: it hands over tokens and the look, and makes the frame as high as needed.
import { ENVELOPE, readMessage, type FromHost, type ToHost } from "./messages.ts";

/**
 * Speaks with the page around, and with nobody else: messages go to its origin alone, and are taken from this origin and window alone.
 *
 * @example
 * const frame = new HostFrame("https://app.example.com");
 * frame.listen((message) => …);
 */
export class HostFrame {
	readonly #origin: string;
	#height = -1;

	constructor(origin: string) {
		this.#origin = origin;
	}

	/** Calls `handle` with each message, and says that the portal is ready for them. */
	listen(handle: (message: FromHost) => void): void {
		addEventListener("message", ({ source, origin, data }) => {
			if (source !== window.parent || origin !== this.#origin) return;
			const message = readMessage(data);
			if (message !== null) handle(message);
		});
		this.#post({ kind: "ready" });
	}

	/** Keeps the frame as high as the element. */
	follow(element: Element): void {
		const tell = () => {
			const height = Math.ceil(element.getBoundingClientRect().height);
			if (height === this.#height || height === 0) return;
			this.#height = height;
			this.#post({ kind: "resize", height });
		};
		new ResizeObserver(tell).observe(element);
		tell();
	}

	/** Asks for another token. */
	askForToken(): void {
		this.#post({ kind: "expired" });
	}

	#post(message: ToHost): void {
		window.parent.postMessage({ ...ENVELOPE, ...message }, this.#origin);
	}
}
