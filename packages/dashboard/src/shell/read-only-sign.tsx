// Says why nothing can be changed, if the key may only read.
import { Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";

import { callerQuery, useConnection } from "../session/caller.ts";

export function ReadOnlySign() {
	const { data: caller } = useQuery(callerQuery(useConnection()));
	if (caller?.scope !== "read") return null;
	return (
		<Tooltip
			label={`The key “${caller.name}” may only read. Changes need a key with the scope write.`}
			multiline
			w="16rem"
		>
			<span className="live only-wide" tabIndex={0}>
				Read only
			</span>
		</Tooltip>
	);
}
