// Links with which a customer looks after their webhooks themselves, and the sessions that are open.
import type { Capability, CreatePortalSession } from "@fanfare/sdk";
import { Button, Checkbox, Select } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { LeaveQuestion } from "../../parts/feedback/leave-question.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { closingAt, stageOfOnce } from "../../parts/feedback/stage.ts";
import { useFocusBack } from "../../parts/feedback/use-focus-back.ts";
import { Dialog } from "../../parts/layout/dialog.tsx";
import { CopyButton } from "../../parts/text/copy.tsx";
import { counted } from "../../parts/text/format.ts";
import { Time } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { portalSessionsQuery, useCustomerChange } from "../customers/queries.ts";

const HOUR = 3_600_000;
const LENGTHS = [
	{ value: String(HOUR), label: "An hour" },
	{ value: String(8 * HOUR), label: "8 hours" },
	{ value: String(24 * HOUR), label: "A day" },
	{ value: String(168 * HOUR), label: "7 days" },
];
const CAPABILITIES: readonly { readonly value: Capability; readonly label: string }[] = [
	{ value: "webhooks.write", label: "Add, change and delete their webhooks" },
	{ value: "secrets.rotate", label: "Replace secrets" },
	{ value: "payloads.read", label: "Read payloads" },
	{ value: "deliveries.retry", label: "Retry deliveries" },
	{ value: "replay", label: "Start replays" },
];

export function PortalLinks({ customerId }: { readonly customerId: string }) {
	const mayWrite = useMay("write");
	const [isOpen, dialog] = useDisclosure(false);
	const { data: sessions, error, refetch } = useQuery(portalSessionsQuery(useProject(), customerId));
	const revoke = useCustomerChange(
		({ portalSessions }, which: string) => portalSessions.revokeAll({ customerId: which }),
		({ count }, _, tell) => tell(`Ended ${counted(count, "session")}`),
	);
	return (
		<section className="card card-pad stack" aria-label="Portal">
			<h2 className="card-title">Portal</h2>
			{error !== null && <Problem error={error} what="The open sessions could not be loaded" onRetry={refetch} />}
			{sessions?.length === 0 && (
				<p className="dim flat">
					No session is open. Your product makes a link for each visit; make one here to try it, or to help somebody.
				</p>
			)}
			{sessions !== undefined && sessions.length > 0 && (
				<p className="dim flat">
					{counted(sessions.length, "session")} open. The last ends{" "}
					<Time at={Math.max(...sessions.map(({ expireDate }) => expireDate))} form="distance" />
				</p>
			)}
			{mayWrite && (
				<div className="bar">
					<Button variant="default" size="xs" onClick={dialog.open}>
						Make a portal link…
					</Button>
					{sessions !== undefined && sessions.length > 0 && (
						<Button variant="default" size="xs" loading={revoke.isPending} onClick={() => revoke.mutate(customerId)}>
							End {counted(sessions.length, "session")}
						</Button>
					)}
				</div>
			)}
			{revoke.error !== null && <Problem error={revoke.error} what="Not ended" />}
			{isOpen && <MakeLink customerId={customerId} onClose={dialog.close} />}
		</section>
	);
}

function MakeLink({ customerId, onClose }: { readonly customerId: string; readonly onClose: () => void }) {
	const [capabilities, setCapabilities] = useState<readonly Capability[]>(CAPABILITIES.map(({ value }) => value));
	const [length, setLength] = useState(String(HOUR));
	const make = useCustomerChange(({ portalSessions }, session: CreatePortalSession) => portalSessions.create(session));
	const stage = stageOfOnce(make);
	const isDone = make.data !== undefined;
	const watch = useWatchedCall();
	const doubt: Doubt = {
		what: "It is not known whether a link was made",
		advice:
			"If it was, a session is open to which nobody has the link. It ends by itself, or with the others of this customer.",
	};
	const start = () =>
		watch(
			`No portal link for ${customerId} was made`,
			() => make.mutateAsync({ customerId, capabilities, expiresInMs: Number(length) }),
			{
				doubt,
				unseen: () => ({
					what: `Nobody has the portal link for ${customerId}`,
					advice: "It was made when you had left: make another one.",
				}),
			},
		);
	useFocusBack(true);
	return (
		<Dialog isOpen onClose={onClose} title={isDone ? "The portal link" : "Make a portal link"} {...closingAt(stage)}>
			{isDone ? (
				<div className="stack">
					<div className="secret">
						<code className="mono">{make.data.url}</code>
						<CopyButton text={make.data.url} label="Copy the link" />
					</div>
					<p className="dim flat">
						Whoever has it acts for {customerId} until it ends or is revoked. It is never shown again.
					</p>
					<div className="bar">
						<Button onClick={onClose}>Done</Button>
					</div>
				</div>
			) : (
				<div className="stack">
					<Checkbox.Group
						label="Whoever has it sees their webhooks and deliveries, and may"
						value={[...capabilities]}
						onChange={(values) =>
							setCapabilities(CAPABILITIES.map(({ value }) => value).filter((value) => values.includes(value)))
						}
					>
						<div className="stack tight checks">
							{CAPABILITIES.map(({ value, label }) => (
								<Checkbox key={value} value={value} label={label} />
							))}
						</div>
					</Checkbox.Group>
					<Select
						label="Valid for"
						allowDeselect={false}
						data={LENGTHS}
						value={length}
						onChange={(value) => setLength(value ?? String(HOUR))}
					/>
					{make.error !== null && <Problem error={make.error} what="No link was made" doubt={doubt} />}
					<div className="bar">
						<Button loading={make.isPending} onClick={start}>
							Make the link
						</Button>
						<Button variant="default" disabled={make.isPending} onClick={onClose}>
							Close
						</Button>
					</div>
				</div>
			)}
			<LeaveQuestion stage={stage} thing="link" />
		</Dialog>
	);
}
