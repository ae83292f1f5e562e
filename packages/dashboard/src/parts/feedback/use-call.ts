// A call that changes something. Its success is told in a short message to whoever has made it, however late it comes.
import { useMutation, useQueryClient, type UseMutationOptions } from "@tanstack/react-query";

import { useOrigin, type Origin } from "./origin.ts";
import { showToast } from "./show-toast.ts";

/** Shows a short message to whoever has made the call, and to nobody who has signed in with another key since. */
export type Tell = (text: string) => void;

type CallOptions<Result, Input> = Omit<UseMutationOptions<Result, Error, Input, Origin>, "onMutate" | "onSuccess"> & {
	readonly onSuccess?: (result: Result, input: Input, tell: Tell) => unknown;
};

/**
 * @example
 * const stop = useCall({
 * 	mutationFn: (id: string) => project.replays.cancel(id),
 * 	onSuccess: (_replay, _id, tell) => tell("Stopped the replay"),
 * });
 */
export function useCall<Result, Input = void>({ onSuccess, ...options }: CallOptions<Result, Input>) {
	const queryClient = useQueryClient();
	const origin = useOrigin();
	return useMutation<Result, Error, Input, Origin>({
		...options,
		onMutate: origin,
		onSuccess: (result, input, origin) => onSuccess?.(result, input, (text) => showToast(queryClient, text, origin)),
	});
}
