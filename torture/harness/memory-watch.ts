// Watches the memory of the server's processes while they run, and keeps the peak.
import { processUsage } from "@fanfare/testkit/process-usage";

const EVERY_MS = 100;

export class MemoryWatch implements Disposable {
	peakMb = 0;
	readonly #timer: NodeJS.Timeout;

	/** The peak is that of the process with the highest. */
	constructor(pids: () => readonly number[]) {
		this.#timer = setInterval(() => {
			for (const pid of pids()) void this.#look(pid);
		}, EVERY_MS);
	}

	[Symbol.dispose](): void {
		clearInterval(this.#timer);
	}

	async #look(pid: number): Promise<void> {
		try {
			const { peakMb } = await processUsage(pid);
			if (peakMb > this.peakMb) this.peakMb = peakMb;
		} catch {
			// The process has ended, or has not started yet.
		}
	}
}
