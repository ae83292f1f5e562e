// Watches the server's memory while it runs, and keeps the peak.
import { processUsage } from "@fanfare/testkit/process-usage";

const EVERY_MS = 100;

export class MemoryWatch implements Disposable {
	peakMb = 0;
	readonly #timer: NodeJS.Timeout;

	constructor(pid: () => number) {
		this.#timer = setInterval(() => void this.#look(pid), EVERY_MS);
	}

	[Symbol.dispose](): void {
		clearInterval(this.#timer);
	}

	async #look(pid: () => number): Promise<void> {
		try {
			const { peakMb } = await processUsage(pid());
			if (peakMb > this.peakMb) this.peakMb = peakMb;
		} catch {
			// The process has ended, or has not started yet.
		}
	}
}
