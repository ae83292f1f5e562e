// The name and the metadata of a customer.
import type { Customer, UpdateCustomer } from "@fanfare/sdk";
import { Button, Textarea, TextInput } from "@mantine/core";
import { useState, type FormEvent } from "react";

import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { ChangedElsewhere } from "../../parts/form/edit/changed-elsewhere.tsx";
import type { Version } from "../../parts/form/edit/edit.ts";
import { useEdit } from "../../parts/form/edit/use-edit.ts";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { Fact } from "../../parts/layout/fact.tsx";
import { Id } from "../../parts/text/copy.tsx";
import { Time } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { useCustomerChange } from "../customers/queries.ts";

interface Draft {
	readonly name: string;
	/** `key: value` in each line. */
	readonly metadata: string;
}

interface Save {
	readonly sent: Draft;
	readonly changes: UpdateCustomer;
}

export function About({ customer }: { readonly customer: Customer }) {
	const mayWrite = useMay("write");
	const make = useWatchedCall();
	const [isTried, setTried] = useState(false);
	const form = `customer ${useProject().id} ${customer.id}`;
	const edit = useEdit(versionOf(customer), form);
	const save = useCustomerChange(
		({ customers }, { changes }: Save) => customers.update(customer.id, changes),
		(saved, { sent }, tell) => {
			tell("Saved");
			edit.saved(sent, versionOf(saved));
		},
	);
	if (!save.isPending) edit.follow(versionOf(customer));
	const { draft, setDraft, isTouched } = edit;
	const isBlocked = edit.conflicts.length > 0;
	const metadataError =
		metadataOf(draft.metadata) === null ? "Write one key and its value a line, as plan: enterprise." : undefined;
	const submit = (event: FormEvent) => {
		event.preventDefault();
		setTried(true);
		if (metadataError !== undefined || !isTouched || isBlocked || save.isPending) return;
		const changes = toUpdate(draft, edit.base);
		make(`${customer.name ?? customer.id} was not saved`, () => save.mutateAsync({ sent: draft, changes }), {
			unsaved: { form, edit: edit.edit },
		});
	};
	const facts = (
		<dl className="facts">
			<Fact name="Id">
				<Id id={customer.id} label="Copy the customer's id" />
			</Fact>
			<Fact name="Since">
				<Time at={customer.createDate} form="day" />
			</Fact>
		</dl>
	);
	if (!mayWrite) {
		return (
			<section className="card card-pad stack" aria-label="About">
				{facts}
				<dl className="facts">
					{Object.entries(customer.metadata).map(([name, value]) => (
						<Fact key={name} name={name}>
							{value}
						</Fact>
					))}
				</dl>
			</section>
		);
	}
	return (
		<section className="card card-pad" aria-label="About">
			<form className="stack" onSubmit={submit} noValidate>
				{facts}
				<TextInput
					label="Name"
					maxLength={128}
					value={draft.name}
					error={issueOf(save.error, "name")}
					onChange={({ currentTarget }) => setDraft({ ...draft, name: currentTarget.value })}
				/>
				<Textarea
					label="Metadata"
					description="Your own keys and values, one a line"
					placeholder="plan: enterprise"
					rows={4}
					spellCheck={false}
					value={draft.metadata}
					error={(isTried ? metadataError : undefined) ?? issueOf(save.error, "metadata")}
					onChange={({ currentTarget }) => setDraft({ ...draft, metadata: currentTarget.value })}
				/>
				{save.error !== null && !isShownBy(save.error, ["name", "metadata"]) && (
					<Problem error={save.error} what="Not saved. Nothing that you typed is lost." />
				)}
				<ChangedElsewhere edit={edit} labels={LABELS} />
				<div className="bar">
					<Button type="submit" variant="default" disabled={!isTouched || isBlocked} loading={save.isPending}>
						Save
					</Button>
				</div>
			</form>
		</section>
	);
}

const LABELS = { name: "Name", metadata: "Metadata" } as const;

/** A customer has no revision: a later change has a later date. */
function versionOf(customer: Customer): Version<Draft> {
	return { revision: customer.updateDate, draft: draftOf(customer) };
}

function draftOf({ name, metadata }: Customer): Draft {
	const lines = Object.entries(metadata).map(([key, value]) => `${key}: ${value}`);
	return { name: name ?? "", metadata: lines.join("\n") };
}

/** Only what was changed: what others change meanwhile stays as they have made it. */
function toUpdate({ name, metadata }: Draft, before: Draft): UpdateCustomer {
	return {
		...(name !== before.name && { name: name.trim() === "" ? null : name.trim() }),
		...(metadata !== before.metadata && { metadata: metadataOf(metadata) ?? {} }),
	};
}

/** Null if a line has no key. */
function metadataOf(text: string): Readonly<Record<string, string>> | null {
	const lines = text.split("\n").filter((line) => line.trim() !== "");
	const pairs = lines.map((line) => /^\s*([^:]*[^:\s])\s*:\s*(.*?)\s*$/.exec(line));
	if (pairs.includes(null)) return null;
	return Object.fromEntries(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? "", pair[2] ?? ""]])));
}
