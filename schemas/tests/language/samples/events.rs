//! Sample events.

use schemas::command::PriceMapping;
use schemas::event::{
    BillingRunStarted, BookOpened, ChargeAdded, ChargeWithdrawn, ClockAdvanced, Complement,
    CreditNoteLinesDrafted, CustomerAddressChanged, CustomerEmailChanged, CustomerErased,
    CustomerExternalIdChanged, CustomerParked, CustomerParkedV1, CustomerPurchaseOrderChanged,
    CustomerRegistered, CustomerReleased, CustomerRenamed, CustomerSnapshot, CustomerTaxIdsChanged,
    CustomerTermsChanged, CustomerZoneChanged, CycleSettled, DecisionCompleted, Dimension,
    DiscountPart, DocumentsErased, DraftedLines, DueSet, EntityAddressChanged,
    EntityDefaultSeriesChanged, EntityDefined, EntityDefinedV1, EntityRenamed, EntitySeriesAdded,
    EntityTaxIdsChanged, EntityTermsChanged, EventAt, InvoiceAnnotated, InvoiceFinalized,
    InvoiceLine, InvoiceLinesDrafted, InvoiceLinesVoided, InvoiceTotals, LineOrigin, LinePricing,
    LineRef, LineSource, LinesHash, LotUse, PartDrafted, PlanMigrationSet, PlanMigrationWithdrawn,
    PlanRetired, PlanVersion, PlanVersionDefined, PricesMapped, RevenueSchedule, RoundingStep,
    RoundingSubject, SegmentFrom, SellerSnapshot, SubscriptionDue, TermsInForce, TierPart,
};
use schemas::fraction::RoundingMode;
use schemas::terms::{
    BillingTiming, CalendarUnit, DefaultSeries, Differs, Every, LineKind, LotRef, Profile, Rate,
};
use schemas::{Decimal, Event, Fraction, Minor};

use super::settlement::{credit_events, payment_events, reversals};
use super::subscriptions::{offer_events, subscription_events};
use super::{Named, Samples, grants, prices, rates_of_plans, series};
use crate::values::{self, clear, contact, fraction, id, of, sealed};

/// At least one event of every kind.
pub(crate) fn events() -> Vec<Named<Event>> {
    let mut all = Samples::new();
    book_events(&mut all);
    customer_events(&mut all);
    subscription_events(&mut all);
    offer_events(&mut all);
    invoice_events(&mut all);
    part_events(&mut all);
    payment_events(&mut all);
    credit_events(&mut all);
    all.done()
}

fn book_events(all: &mut Samples<Event>) {
    let opened = |profile: Profile, clock| BookOpened {
        book: of("acme"),
        profile,
        policies: profile.policies(),
        clock,
    };
    all.add_each(values::book_clocks(), |clock| opened(Profile::Billfold1, clock));
    let wall = values::book_clocks()[0].1;
    all.add_each(values::profiles(), |profile| opened(profile, wall));
    all.add("forward", ClockAdvanced { to: of("2024-02-01T00:00:00Z") });
    all.add(
        "three series",
        EntityDefined {
            entity: id(2),
            name: of("Acme GmbH"),
            zone: of("Europe/Berlin"),
            payment_terms_days: 30,
            series: series(),
            default_series: default_series(),
            document_retention_years: 10,
            address: Some(values::address(["1 Main Street", "N1 7AA", "London"].map(of))),
            tax_ids: vec![values::tax_id(of("GB123456789"))],
        },
    );
    let entity = id(2);
    all.add("renamed", EntityRenamed { entity, name: of("Acme SE") });
    let address = values::address(["2 Side Street", "N1 7AB", "London"].map(of));
    all.add("moved", EntityAddressChanged { entity, address });
    all.add(
        "terms",
        EntityTermsChanged { entity, payment_terms_days: 14, document_retention_years: 8 },
    );
    let tax_ids = vec![values::tax_id(of("GB987654321"))];
    all.add("tax ids", EntityTaxIdsChanged { entity, tax_ids });
    all.add("series", EntitySeriesAdded { entity, series: series() });
    let default_series = default_series();
    all.add("default series", EntityDefaultSeriesChanged { entity, default_series });
    all.add_each(values::calendar_units(), |unit| PlanVersionDefined {
        plan: id(3),
        version: 2,
        name: of("Team"),
        product: Some(of("storage")),
        every: Every { count: 1, unit },
        timing: BillingTiming::InAdvance,
        trial_days: 14,
        lead_days: 0,
        prices: prices(rates_of_plans()),
        grants: grants(),
    });
    all.add(
        "migrated",
        PlanMigrationSet {
            plan: id(3),
            migration: 4,
            from_version: 1,
            to_version: 2,
            on: of("2024-03-01"),
            made_at: of("2024-02-01T09:30:00Z"),
            prices: PricesMapped {
                mapped: vec![PriceMapping { from: of("fee"), to: Some(of("seat")) }],
                started: vec![of("support")],
                ended: vec![of("extra")],
            },
        },
    );
    all.add(
        "withdrawn",
        PlanMigrationWithdrawn {
            plan: id(3),
            migration: 4,
            from_version: 1,
            withdrawn_at: of("2024-02-10T09:30:00Z"),
        },
    );
    all.add("retired", PlanRetired { plan: id(3) });
    all.add("month end", BillingRunStarted { run: id(20), through: of("2024-01-31"), ahead: true });
    all.add("charge withdrawn", ChargeWithdrawn { charge: id(5) });
    let day = |differs, settled| SubscriptionDue {
        subscription: id(2),
        on: Some(of("2024-03-01")),
        differs,
        settled,
    };
    let settled = vec![CycleSettled { item: 1, cycle: 12 }];
    let subscriptions = vec![day(Differs::Waits, settled), day(Differs::Along, Vec::new())];
    all.add("ahead", DueSet { on: Some(of("2024-02-29")), subscriptions });
    let subscriptions = vec![SubscriptionDue { on: None, ..day(Differs::No, Vec::new()) }];
    all.add("nothing ahead", DueSet { on: None, subscriptions });
}

/// A record in a form that it had before.
pub(crate) struct Older<T> {
    pub(crate) name: &'static str,
    pub(crate) type_id: u16,
    pub(crate) version: u8,
    pub(crate) body: Vec<u8>,
    /// What it reads as today.
    pub(crate) newest: T,
}

/// Every older form of an event.
pub(crate) fn older_events() -> Vec<Older<Event>> {
    let entity = EntityDefinedV1 {
        entity: id(2),
        name: of("Acme GmbH"),
        zone: of("Europe/Berlin"),
        payment_terms_days: 30,
        series: series(),
    };
    let (reason, detail) = (of("too_many_cycles"), of("too many cycles to bill at once"));
    let parked = CustomerParkedV1 { run: id(20), reason, detail };
    vec![
        Older {
            name: "entity.defined/three-series",
            type_id: 3,
            version: 1,
            body: postcard::to_allocvec(&entity).expect("encodes"),
            newest: EntityDefined::from(entity).into(),
        },
        Older {
            name: "customer.parked/parked",
            type_id: 15,
            version: 1,
            body: postcard::to_allocvec(&parked).expect("encodes"),
            newest: CustomerParked::from(parked).into(),
        },
    ]
}

fn default_series() -> DefaultSeries {
    DefaultSeries { invoice: of("invoice"), credit_note: of("credit_note") }
}

fn customer_events(all: &mut Samples<Event>) {
    all.add_each(values::contacts(), |name| CustomerRegistered {
        customer: id(1),
        entity: id(2),
        external_id: Some(of("crm:42")),
        name,
        email: Some(contact("ada@example.com")),
        currency: of("EUR"),
        zone: of("America/New_York"),
        payment_terms_days: Some(14),
        parent: Some(id(13)),
        fixed_offset: Some(-18_000),
        address: Some(values::address(["1 Main Street", "N1 7AA", "London"].map(contact))),
        tax_ids: vec![values::tax_id(contact("GB123456789"))],
        purchase_order: Some(of("PO 17")),
    });
    all.add_each(values::contacts(), |name| CustomerRenamed { name });
    all.add_each(values::contacts(), |email| CustomerEmailChanged { email: Some(email) });
    all.add("none", CustomerEmailChanged { email: None });
    all.add_each(values::contacts(), |text| CustomerAddressChanged {
        address: Some(values::address([text.clone(), text.clone(), text])),
    });
    all.add("none", CustomerAddressChanged { address: None });
    all.add_each(values::contacts(), |text| CustomerTaxIdsChanged {
        tax_ids: vec![values::tax_id(text)],
    });
    all.add(
        "moved",
        CustomerZoneChanged {
            zone: of("Asia/Tokyo"),
            from: of("2024-03-01"),
            at: of("2024-03-01T05:00:00Z"),
            fixed_offset: None,
        },
    );
    let purchase_order = Some(of("PO 18"));
    all.add("another", CustomerPurchaseOrderChanged { purchase_order });
    all.add_each(values::personals(), |memo| InvoiceAnnotated {
        memo: Some(memo),
        purchase_order: Some(of("PO 19")),
    });
    all.add("longest", CustomerTermsChanged { payment_terms_days: Some(365) });
    all.add("the seller's", CustomerTermsChanged { payment_terms_days: None });
    let (reason, detail) = (of("too_many_cycles"), of("too many cycles to bill at once"));
    all.add(
        "parked",
        CustomerParked { process: of("billing_run"), run: Some(id(20)), reason, detail },
    );
    all.add(
        "parked by a timer",
        CustomerParked {
            process: of("dunning"),
            run: None,
            reason: of("internal"),
            detail: of("deciding it met a fault"),
        },
    );
    all.add("released", CustomerReleased {});
    all.add_each(values::personals(), |reason| CustomerErased {
        reason,
        documents_until: Some(of("2034-12-31")),
        document_retention_years: 10,
    });
    let reason = clear("Ada asked");
    all.add(
        "without documents",
        CustomerErased { reason, documents_until: None, document_retention_years: 0 },
    );
    all.add("erased", DocumentsErased {});
    all.add("renamed", CustomerExternalIdChanged { external_id: of("crm:43") });
}

/// A line with every part filled in.
fn full_line() -> InvoiceLine {
    InvoiceLine {
        line: 1,
        kind: LineKind::Recurring,
        description: clear("Team, 5 seats"),
        source: LineSource::Cycle { subscription: id(4), item: 0, cycle: 11 },
        plan: Some(PlanVersion { plan: id(3), version: 1 }),
        service: Some(of("2024-01-31/2024-02-29")),
        quantity: of("5"),
        unit_price: Some(of("9.9")),
        tiers: vec![TierPart {
            quantity: of("5"),
            unit_price: of("9.9"),
            flat: Decimal::ZERO,
            percent: of("0.5"),
        }],
        pricing: Some(Box::new(LinePricing {
            price: of("seat"),
            product: Some(of("storage")),
            rate: Rate::PerUnit(of("9.9")),
            minimum: Some(of("25")),
            whole: fraction(4950, 1),
            span: of("2024-01-31T00:00:00Z/2024-02-11T00:00:00Z"),
            full: of("2024-01-31T00:00:00Z/2024-03-01T00:00:00Z"),
            every: Every { count: 1, unit: CalendarUnit::Month },
            segment: Some(SegmentFrom { at: of("2024-01-31T00:00:00Z"), nth: 2 }),
            zone: of("America/New_York"),
            time: 11,
            complement: Some(Complement {
                billed: Minor(3135),
                lines: vec![LineRef { invoice: id(61), line: 1 }],
            }),
            in_force: Some(TermsInForce {
                rate: Rate::Flat(of("49.50")),
                minimum: Some(of("20")),
                quantity: Decimal::ONE,
            }),
        })),
        ratio: fraction(11, 30),
        exact: fraction(1815, 1),
        rounding: values::rounding_subjects()
            .into_iter()
            .zip(values::rounding_modes().into_iter().cycle())
            .map(|((_, subject), (_, mode))| rounding_step(subject, mode))
            .collect(),
        gross: Minor(1815),
        discounts: values::discount_bases()
            .into_iter()
            .map(|(_, basis)| DiscountPart {
                discount: id(9),
                exact: fraction(363, 2),
                amount: Minor(182),
                basis,
                cycle: Some(of("2024-01-31T05:00:00Z")),
                given: EventAt::at(19, 0),
            })
            .collect(),
        net: Minor(1633),
        credits: Some(LineRef { invoice: id(61), line: 2 }),
        schedule: RevenueSchedule::Straight(of("2024-01-31/2024-02-29")),
        dimensions: vec![Dimension { key: of("channel"), value: of("partner") }],
        origin: LineOrigin {
            price: Some(EventAt::at(3, 0)),
            segment: Some(EventAt::at(17, 1)),
            cycle: Some(EventAt::here(0)),
            charge: Some(EventAt::at(18, 0)),
            change: Some(EventAt::at(300, 2)),
        },
    }
}

fn rounding_step(subject: RoundingSubject, mode: RoundingMode) -> RoundingStep {
    RoundingStep { subject, exact: fraction(-55, 2), scale: 0, mode, rounded: -28 }
}

/// A line with nothing that can be left out.
fn bare_line(kind: LineKind, source: LineSource) -> InvoiceLine {
    InvoiceLine {
        line: 2,
        kind,
        description: clear("One compact disc"),
        source,
        plan: None,
        service: None,
        quantity: Decimal::ONE,
        unit_price: None,
        tiers: Vec::new(),
        pricing: None,
        ratio: Fraction::ONE,
        exact: fraction(-1177, 1),
        rounding: Vec::new(),
        gross: Minor(-1177),
        discounts: Vec::new(),
        net: Minor(-1177),
        credits: None,
        schedule: RevenueSchedule::Point(of("1997-01-01")),
        dimensions: Vec::new(),
        origin: LineOrigin::default(),
    }
}

fn invoice(lines: Vec<InvoiceLine>) -> InvoiceFinalized {
    InvoiceFinalized {
        invoice: id(6),
        external_id: None,
        entity: id(2),
        series: of("invoice"),
        sequence: 69_659,
        number: of("AC-069659"),
        seller: SellerSnapshot { name: of("Acme GmbH"), address: None, tax_ids: Vec::new() },
        bill_to: CustomerSnapshot {
            name: clear("Ada Lovelace"),
            email: None,
            address: None,
            tax_ids: Vec::new(),
        },
        memo: None,
        purchase_order: None,
        currency: of("EUR"),
        document_date: of("2024-01-31"),
        due_date: of("2024-03-01"),
        posting_date: of("2024-01-31"),
        input_revision: 17,
        profile: Profile::Billfold1,
        policies: Profile::Billfold1.policies(),
        engine_version: 2,
        run: None,
        lines,
        totals: InvoiceTotals::default(),
        credits: Vec::new(),
        credit_applied: Minor::ZERO,
        credit_generated: Minor::ZERO,
    }
}

fn part_events(all: &mut Samples<Event>) {
    let (document_date, posting_date) = (of("2024-01-31"), of("2024-01-31"));
    all.add("a part", PartDrafted { of: id(30), part: 7 });
    all.add("in one part", DecisionCompleted { parts: vec![17], documents: Vec::new() });
    let hash = LinesHash([0xA5; 32]);
    all.add_each(values::drafted(), |of| DecisionCompleted {
        parts: vec![300, 70_000],
        documents: vec![DraftedLines { of, lines: 1_000, hash }],
    });
    all.add(
        "some",
        InvoiceLinesDrafted {
            invoice: id(6),
            currency: of("EUR"),
            document_date,
            posting_date,
            lines: vec![full_line()],
        },
    );
    for (name, rebill) in [("bill again", true), ("given up", false)] {
        let returned = if rebill { vec![1] } else { Vec::new() };
        let lines = reversals();
        all.add(name, InvoiceLinesVoided { invoice: id(6), rebill, lines, returned });
    }
    let note = CreditNoteLinesDrafted {
        note: id(8),
        invoice: id(6),
        document_date,
        posting_date,
        by_time: true,
        lines: Vec::new(),
        credits: vec![full_line()],
    };
    all.add("time", note.clone());
    all.add("amounts", CreditNoteLinesDrafted { lines: reversals(), credits: Vec::new(), ..note });
}

fn invoice_events(all: &mut Samples<Event>) {
    let charge = |unit_price, service| ChargeAdded {
        charge: id(5),
        description: clear("Two compact discs"),
        currency: of("EUR"),
        quantity: of("2"),
        unit_price,
        exact: fraction(1177, 2),
        gross: Minor(589),
        service,
        subscription: None,
        price: None,
        early_termination: false,
    };
    all.add("bare", charge(None, None));
    all.add("full", charge(Some(of("2.9425")), Some(of("2024-01-01/2024-02-01"))));
    all.add(
        "setup fee",
        ChargeAdded { subscription: Some(id(4)), price: Some(of("setup")), ..charge(None, None) },
    );
    all.add("nothing", invoice(Vec::new()));
    all.add(
        "full",
        InvoiceFinalized {
            external_id: Some(of("order/17")),
            seller: SellerSnapshot {
                name: of("Acme GmbH"),
                address: Some(values::address(["1 Main Street", "N1 7AA", "London"].map(of))),
                tax_ids: vec![values::tax_id(of("GB123456789"))],
            },
            bill_to: CustomerSnapshot {
                name: sealed(),
                email: Some(sealed()),
                address: Some(values::address([sealed(), sealed(), sealed()])),
                tax_ids: vec![values::tax_id(sealed())],
            },
            memo: Some(sealed()),
            purchase_order: Some(of("PO 17")),
            run: Some(id(20)),
            totals: InvoiceTotals {
                gross: Minor(1815),
                discount: Minor(182),
                net: Minor(1633),
                tax: Minor(310),
                total: Minor(1943),
            },
            credits: vec![LotUse { lot: LotRef::Grant(id(12)), amount: Minor(43) }],
            credit_applied: Minor(43),
            credit_generated: Minor(1),
            ..invoice(vec![full_line()])
        },
    );
    all.add_each(values::line_kinds(), |kind| invoice(vec![bare_line(kind, LineSource::Invoice)]));
    let one_off = LineKind::OneOff;
    all.add_each(values::line_sources(), |source| invoice(vec![bare_line(one_off, source)]));
    all.add_each(values::revenue_schedules(), |schedule| {
        let line = bare_line(LineKind::OneOff, LineSource::Charge(id(5)));
        invoice(vec![InvoiceLine { schedule, ..line }])
    });
}
