// The observer that writes metrics and logs: one line per attempt, never with a payload, header or secret.
import type { Logger } from "pino";

import type { AttemptReport, Observer } from "../../ports/observer.ts";
import type { Metrics } from "./metrics.ts";

/** Creates an observer that feeds both. */
export function createObserver(logger: Logger, metrics: Metrics): Observer {
	const logsAttempts = logger.isLevelEnabled("info");
	return {
		eventAccepted: (deliveryCount) => metrics.eventAccepted(deliveryCount),
		eventRefused: (code) => metrics.eventRefused(code),
		attemptFinished(report: AttemptReport) {
			metrics.attemptFinished(report);
			if (logsAttempts) logger.info(report, "attempt");
		},
		attemptReturned: (reason) => metrics.attemptReturned(reason),
		committed: (commit) => metrics.committed(commit),
		purged: (purged) => metrics.purged(purged),
		spaceReleased: (bytes) => metrics.spaceReleased(bytes),
		problem(message, error, facts) {
			metrics.problem();
			logger.error({ ...facts, err: error }, message);
		},
		note: (message, facts) => logger.info(facts, message),
	};
}
