// How a test went: the answer in a sentence, and the request and the answer in full.
import type { TestExchange, WebhookTest } from "@fanfare/sdk";

import { HeaderList } from "../../../parts/code/header-list.tsx";
import { Payload } from "../../../parts/code/payload.tsx";
import { Icon } from "../../../parts/layout/icon.tsx";
import { counted, duration } from "../../../parts/text/format.ts";
import { AnswerCode } from "../../../parts/text/state.tsx";

export function TestResult({ result }: { readonly result: WebhookTest }) {
	const { status, responseCode, latencyMs, attemptCount, reason, exchange } = result;
	const isGood = status === "Ok";
	return (
		<div className="stack tight">
			<div role="status" className={`note ${isGood ? "good" : "bad"}`}>
				<Icon name={isGood ? "check" : "cross"} />
				<div>
					<p>
						<strong>
							{isGood ? `It responded with ${responseCode} in ${duration(latencyMs)}.` : "The test failed."}
						</strong>{" "}
						{reason !== null && sentence(reason)}
					</p>
					{!isGood && (
						<p>
							{counted(attemptCount, "attempt")} made, the last took {duration(latencyMs)}.
						</p>
					)}
				</div>
			</div>
			{exchange !== undefined && <Exchange exchange={exchange} result={result} />}
		</div>
	);
}

/** `the receiver responded with 503` as a sentence of its own. */
function sentence(words: string): string {
	return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}

interface ExchangeProps {
	readonly exchange: TestExchange;
	readonly result: WebhookTest;
}

function Exchange({ exchange: { request, response }, result }: ExchangeProps) {
	return (
		<>
			<section className="stack tight" aria-label="The response">
				<div className="head">
					<h2 className="card-title">Response</h2>
					<AnswerCode code={result.responseCode} reason={result.reason} />
				</div>
				{response === null ? (
					<p className="flat dim">No response came.</p>
				) : (
					<>
						<HeaderList of="the response" headers={response.headers} />
						<Payload
							text={response.body}
							label="The body of the response"
							{...(response.bodyTruncated && { note: "Only the first 4 KiB are kept." })}
						/>
					</>
				)}
			</section>
			<section className="stack tight" aria-label="The request as sent">
				<div className="head">
					<h2 className="card-title">Request as sent</h2>
					<span className="mono address">
						{request.method} {request.url}
					</span>
				</div>
				<HeaderList of="the request" headers={request.headers} />
				<Payload text={request.body} label="The body of the request" />
			</section>
		</>
	);
}
