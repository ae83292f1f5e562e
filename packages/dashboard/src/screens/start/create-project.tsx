// The form for the first project of a workspace.
import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState, type FormEvent } from "react";

import type { Doubt } from "../../parts/feedback/doubt.ts";
import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { isShownBy, issueOf } from "../../parts/form/issues.ts";
import { useConnection } from "../../session/caller.ts";

export function CreateProject() {
	const { client } = useConnection();
	const queryClient = useQueryClient();
	const navigate = useNavigate();
	const make = useWatchedCall();
	const isHere = useIsShown();
	const [name, setName] = useState("");
	const create = useCall({
		mutationFn: (name: string) => client.projects.create({ name }),
		onSuccess: async ({ id, name }, _, tell) => {
			tell(`Created ${name}`);
			await queryClient.invalidateQueries({ queryKey: ["projects"] });
			if (isHere()) await navigate({ to: "/$projectId", params: { projectId: id } });
		},
	});
	const doubt: Doubt = {
		what: `It is not known whether ${name.trim()} was created`,
		advice: "Reload this page: if it was, it is in the list of projects.",
	};
	const submit = (event: FormEvent) => {
		event.preventDefault();
		if (name.trim() === "" || create.isPending) return;
		make(`${name.trim()} was not created`, () => create.mutateAsync(name.trim()), { doubt });
	};
	return (
		<form className="card card-pad stack" onSubmit={submit} noValidate>
			<TextInput
				label="Name of the project"
				description="Such as Shop production: each product and each environment has a project of its own."
				required
				autoFocus
				maxLength={128}
				autoComplete="off"
				value={name}
				error={issueOf(create.error, "name")}
				onChange={({ currentTarget }) => setName(currentTarget.value)}
			/>
			{create.error !== null && !isShownBy(create.error, ["name"]) && (
				<Problem error={create.error} what="The project was not created" doubt={doubt} />
			)}
			<Button type="submit" disabled={name.trim() === ""} loading={create.isPending}>
				Create the project
			</Button>
		</form>
	);
}
