/**
 * Which of the core's optimisations a build leaves out: none, but in one that is there for the tests
 * (scripts/without.mjs).
 */
declare const WITHOUT: {
    /** Validators in place of zod (schemas.ts). */
    readonly validators: boolean;
    /** The way of ordinary requests past the SDK (lane.ts). */
    readonly lane: boolean;
    /** A conversation before the snapshot (warmup.ts). */
    readonly warmup: boolean;
    /** Writing over free memory before the snapshot. */
    readonly sweep: boolean;
};
