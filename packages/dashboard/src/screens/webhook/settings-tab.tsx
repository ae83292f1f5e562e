// The settings of a webhook, to read. They are changed in the drawer.
import type { Webhook } from "@fanfare/sdk";
import type { ReactNode } from "react";

import { Id } from "../../parts/text/copy.tsx";
import { counted, duration } from "../../parts/text/format.ts";
import { ExactTime } from "../../parts/text/time.tsx";

export function SettingsTab({ webhook }: { readonly webhook: Webhook }) {
	const { retries, rateLimit, disableAfterMs, headers, metadata } = webhook;
	const none = <span className="dim">none</span>;
	const facts: readonly (readonly [name: string, value: ReactNode])[] = [
		["Id", <Id key="id" id={webhook.id} label="Copy the id" />],
		["Endpoint URL", <Id key="endpoint" id={webhook.endpoint} label="Copy the endpoint URL" />],
		["Customer", webhook.customerId ?? <span className="dim">none: a webhook of your own</span>],
		["Description", webhook.description ?? none],
		[
			"Event types",
			webhook.eventTypes === null ? "all" : <span className="mono">{webhook.eventTypes.join(", ")}</span>,
		],
		["Retries", retriesText(retries)],
		["Time limit", `${duration(webhook.timeoutMs)} an attempt`],
		["Rate limit", rateLimit === null ? none : `${counted(rateLimit.perSecond, "attempt")} per second`],
		["Disabled after", disableAfterMs === 0 ? "never" : `${duration(disableAfterMs)} without a success`],
		[
			"Headers",
			Object.keys(headers).length === 0 ? none : <span className="mono">{Object.keys(headers).join(", ")}</span>,
		],
		...Object.entries(metadata).map(([name, value]) => [`Metadata: ${name}`, value] as const),
		["Created", <ExactTime key="created" at={webhook.createDate} />],
		["Changed", <ExactTime key="changed" at={webhook.updateDate} />],
	];
	return (
		<section className="card card-pad" aria-label="Settings">
			<dl className="facts">
				{facts.map(([name, value]) => (
					<div key={name} className="keys-row">
						<dt>{name}</dt>
						<dd>{value}</dd>
					</div>
				))}
			</dl>
		</section>
	);
}

function retriesText({ maxRetries, maxRetryDelay, scheduleMs }: Webhook["retries"]): string {
	if (scheduleMs !== undefined && scheduleMs !== null)
		return `after ${scheduleMs.map((ms) => duration(ms)).join(", ")}`;
	if (maxRetries === 0) return "none: one attempt only";
	return `${counted(maxRetries, "retry", "retries")}, at most ${duration(maxRetryDelay)} apart`;
}
