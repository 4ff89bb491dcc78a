/** How much of each is measured. */
export interface Sizes {
  /** Each drain between two measurements of ceiling A, and everything else as often. */
  readonly runs: number;
  /** Of one wave, and messages of ceiling A. */
  readonly emails: number;
  readonly enrolledOneByOne: number;
  /** Requests of 1,000 enrollments each. */
  readonly bulkRequests: number;
  readonly csvRows: number;
  readonly punctuality: {
    readonly perSecond: readonly number[];
    readonly seconds: number;
  };
  /** Enrollments, in thousands, that lie in the queue when the cost of waiting is weighed. */
  readonly waitingThousands: number;
  readonly growth: GrowthSizes;
}

export interface GrowthSizes {
  /** Enrollments that wait besides. */
  readonly few: number;
  readonly many: number;
  readonly rounds: number;
  readonly emails: number;
  readonly punctuality: Sizes["punctuality"];
}

/** A worker is at its pace after some thousands: until then V8 compiles, and of a short drain most is beginning and end. */
export const fullSizes: Sizes = {
  runs: 5,
  emails: 16_000,
  enrolledOneByOne: 2_000,
  bulkRequests: 20,
  csvRows: 10_000,
  punctuality: { perSecond: [20, 100, 300], seconds: 20 },
  waitingThousands: 20,
  growth: {
    few: 10_000,
    many: 1_000_000,
    rounds: 3,
    emails: 6_000,
    punctuality: { perSecond: [100], seconds: 20 },
  },
};

/** Shows within a minute that every part works; what it measures says nothing. */
export const quickSizes: Sizes = {
  runs: 1,
  emails: 300,
  enrolledOneByOne: 100,
  bulkRequests: 1,
  csvRows: 500,
  punctuality: { perSecond: [20], seconds: 3 },
  waitingThousands: 2,
  growth: { few: 300, many: 3_000, rounds: 1, emails: 300, punctuality: { perSecond: [20], seconds: 2 } },
};
