// Names a customer before they have a webhook.
import { TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { issueOf } from "../../parts/form/issues.ts";
import { useProject } from "../../session/caller.ts";
import { useCustomerChange } from "./queries.ts";

export function AddCustomer({ onClose }: { readonly onClose: () => void }) {
	const { id: projectId } = useProject();
	const navigate = useNavigate();
	const isShown = useIsShown();
	const [id, setId] = useState("");
	const [name, setName] = useState("");
	const isKnownForm = /^[A-Za-z0-9._:-]{1,128}$/.test(id.trim());
	const add = useCustomerChange(
		({ customers }, input: { readonly id: string; readonly name: string }) =>
			customers.update(input.id, { name: input.name }),
		({ id, name }, _, tell) => {
			// Somebody who has closed it is doing something else.
			if (!isShown()) tell(`Added ${name ?? id}`);
			else void navigate({ to: "/$projectId/customers/$customerId", params: { projectId, customerId: id } });
		},
	);
	return (
		<Confirm
			isOpen
			title="Add a customer"
			verb="Add the customer"
			isBusy={add.isPending}
			isBlocked={!isKnownForm || name.trim() === ""}
			error={add.error}
			failed={`The customer ${id.trim()} was not added`}
			hasFields
			onConfirm={() => add.mutateAsync({ id: id.trim(), name: name.trim() })}
			onClose={onClose}
		>
			<div className="stack">
				<TextInput
					label="Id"
					description="Your own id of the customer: letters, digits and . _ : -"
					required
					data-autofocus
					maxLength={128}
					autoComplete="off"
					spellCheck={false}
					value={id}
					error={id.trim() !== "" && !isKnownForm ? "Use letters, digits and . _ : - only." : undefined}
					onChange={({ currentTarget }) => setId(currentTarget.value)}
				/>
				<TextInput
					label="Name"
					required
					maxLength={128}
					autoComplete="off"
					value={name}
					error={issueOf(add.error, "name")}
					onChange={({ currentTarget }) => setName(currentTarget.value)}
				/>
			</div>
		</Confirm>
	);
}
