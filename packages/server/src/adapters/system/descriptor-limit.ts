// How many files and connections the system lets this process have open at once.
import { readFileSync } from "node:fs";

/**
 * The process's limit of open descriptors, null if it has none or the system does not tell. Node raises it to the hard limit
 * when it starts, so that is what is read here.
 */
export function readDescriptorLimit(): number | null {
	const soft = process.platform === "linux" ? fromProc() : fromReport();
	return soft !== null && Number.isSafeInteger(soft) ? soft : null;
}

function fromProc(): number | null {
	const limits = readFileSync("/proc/self/limits", "utf8");
	return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

/** Slower, since it collects much else. */
function fromReport(): number | null {
	const reports: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
	reports.excludeNetwork = true;
	const report = reports.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
	return Number(report.userLimits?.open_files?.soft ?? Infinity);
}
