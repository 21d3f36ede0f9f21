//! Sample commands.

use schemas::Command;
use schemas::command::{
    AcceptQuote, AddCharge, AdvanceClock, AnnotateInvoice, ApplyDiscount, BillCustomer,
    CancelSubscription, ChangePlan, ChangeQuantity, ChangeSubscription, CreateQuote,
    CreateSubscription, DefineCoupon, DefineEntity, DefineEntityV1, DefinePlan, DraftPart,
    EndTrial, EraseCustomer, InvoiceNow, InvoiceRequest, MigratePlan, OpenBook, ParkCustomer,
    PauseSubscription, PriceMapping, RedeemCoupon, RegisterCustomer, ReleaseCustomer,
    RemoveDiscount, ResumeSubscription, RetirePlan, RunBilling, SetRenewal, SubscriptionTerms,
    UncancelSubscription, UpdateCustomer, UpdateEntity, VoidInvoice, VoidQuote, WithdrawChange,
    WithdrawCharge, WithdrawMigration,
};
use schemas::terms::{
    BillingTiming, BookClock, CalendarUnit, ChangeTime, DiscountDuration, Every, Profile, Rate,
    Settle,
};

use super::events::Older;
use super::settlement::{credit_commands, payment_commands};
use super::{Named, Samples, grants, prices, rates_of_plans, series, subscription_terms};
use crate::values::{self, clear, contact, id, of, sealed_contact};

/// At least one command of every kind.
pub(crate) fn commands() -> Vec<Named<Command>> {
    let mut all = Samples::new();
    book_commands(&mut all);
    customer_commands(&mut all);
    subscription_commands(&mut all);
    change_commands(&mut all);
    offer_commands(&mut all);
    charge_commands(&mut all);
    payment_commands(&mut all);
    credit_commands(&mut all);
    all.done()
}

/// Every older form of a command.
pub(crate) fn older_commands() -> Vec<Older<Command>> {
    let entity = DefineEntityV1 {
        entity: id(2),
        name: of("Acme GmbH"),
        zone: of("Europe/Berlin"),
        payment_terms_days: 30,
        series: series(),
    };
    vec![Older {
        name: "entity.define/three-series",
        type_id: 3,
        version: 1,
        body: postcard::to_allocvec(&entity).expect("encodes"),
        newest: DefineEntity::from(entity).into(),
    }]
}

fn book_commands(all: &mut Samples<Command>) {
    let open = |profile, clock| OpenBook { book: of("acme"), profile, policies: None, clock };
    all.add_each(values::book_clocks(), |clock| open(Profile::Billfold1, clock));
    all.add_each(values::profiles(), |profile| open(profile, BookClock::Wall));
    all.add(
        "with a policy replaced",
        OpenBook {
            policies: Some([(of("proration"), of("by_second"))].into()),
            ..open(Profile::Lago1, BookClock::Wall)
        },
    );
    all.add("forward", AdvanceClock { to: of("2024-02-01T00:00:00Z") });
    let entity = DefineEntity {
        entity: id(2),
        name: of("Acme GmbH"),
        zone: of("Europe/Berlin"),
        payment_terms_days: 30,
        series: series(),
        document_retention_years: None,
        address: None,
        tax_ids: None,
    };
    all.add("three series", entity.clone());
    let address = values::address(["1 Main Street", "N1 7AA", "London"].map(of));
    all.add(
        "everything",
        DefineEntity {
            document_retention_years: Some(8),
            address: Some(address.clone()),
            tax_ids: Some(vec![values::tax_id(of("GB123456789"))]),
            ..entity
        },
    );
    let nothing = UpdateEntity {
        entity: id(2),
        name: Some(of("Acme SE")),
        address: None,
        payment_terms_days: None,
        document_retention_years: None,
        tax_ids: None,
        add_series: None,
        default_series: None,
    };
    all.add("name", nothing.clone());
    all.add(
        "everything",
        UpdateEntity {
            address: Some(address),
            payment_terms_days: Some(14),
            document_retention_years: Some(8),
            tax_ids: Some(vec![values::tax_id(of("GB123456789"))]),
            add_series: Some(series()),
            default_series: Some(vec![of("invoice")]),
            ..nothing
        },
    );
    let flat = vec![("fee", Rate::Flat(of("99")))];
    all.add("flat", define_plan(flat, BillingTiming::InAdvance));
    all.add(
        "every rate",
        DefinePlan {
            product: Some(of("storage")),
            trial_days: Some(14),
            lead_days: Some(30),
            grants: Some(grants()),
            ..define_plan(rates_of_plans(), BillingTiming::InArrears)
        },
    );
    all.add("retired", RetirePlan { plan: id(3) });
    let on = of("2024-03-01");
    let migrated = MigratePlan { plan: id(3), from_version: 1, to_version: 2, on, map: None };
    all.add("migrated", migrated.clone());
    let map = |to: Option<&str>| PriceMapping { from: of("fee"), to: to.map(of) };
    let mapped = Some(vec![map(Some("seat")), map(None)]);
    all.add("mapped", MigratePlan { map: mapped, ..migrated });
    all.add("withdrawn", WithdrawMigration { plan: id(3), from_version: 1 });
    let coupon = DefineCoupon {
        coupon: id(14),
        value: values::discount_values()[0].1,
        duration: DiscountDuration::Cycles(3),
        max_redemptions: None,
        from: None,
        through: None,
    };
    all.add("without limits", coupon.clone());
    all.add(
        "limited",
        DefineCoupon {
            max_redemptions: Some(100),
            from: Some(of("2024-01-01")),
            through: Some(of("2024-12-31")),
            ..coupon
        },
    );
    all.add("month end", RunBilling { run: id(20), through: of("2024-01-31"), ahead: None });
    all.add("ahead", RunBilling { run: id(20), through: of("2024-01-31"), ahead: Some(true) });
}

fn define_plan(rates: Vec<(&'static str, Rate)>, timing: BillingTiming) -> DefinePlan {
    DefinePlan {
        plan: id(3),
        name: of("Team"),
        product: None,
        every: Every { count: 3, unit: CalendarUnit::Week },
        timing,
        trial_days: None,
        lead_days: None,
        prices: prices(rates),
        grants: None,
    }
}

fn customer_commands(all: &mut Samples<Command>) {
    let bare = RegisterCustomer {
        customer: id(1),
        entity: id(2),
        external_id: None,
        name: contact("Ada Lovelace"),
        email: None,
        currency: of("EUR"),
        zone: None,
        payment_terms_days: None,
        parent: None,
        address: None,
        tax_ids: None,
        purchase_order: None,
    };
    all.add("bare", bare.clone());
    all.add(
        "full",
        RegisterCustomer {
            external_id: Some(of("crm:42")),
            email: Some(contact("ada@example.com")),
            zone: Some(of("America/New_York")),
            payment_terms_days: Some(14),
            parent: Some(id(13)),
            address: Some(values::address(["1 Main Street", "N1 7AA", "London"].map(contact))),
            tax_ids: Some(vec![values::tax_id(contact("GB123456789"))]),
            purchase_order: Some(of("PO 17")),
            ..bare.clone()
        },
    );
    all.add("sealed", RegisterCustomer { name: sealed_contact(), ..bare });
    all.add(
        "everything",
        UpdateCustomer {
            customer: id(1),
            external_id: Some(of("crm:43")),
            name: Some(contact("Countess Lovelace")),
            email: Some(contact("countess@example.com")),
            payment_terms_days: Some(0),
            address: Some(values::address([sealed_contact(), sealed_contact(), sealed_contact()])),
            tax_ids: Some(vec![values::tax_id(sealed_contact())]),
            zone: Some(of("Asia/Tokyo")),
            purchase_order: Some(of("PO 18")),
            clear: None,
        },
    );
    all.add_each(values::customer_details(), |detail| UpdateCustomer {
        customer: id(1),
        external_id: None,
        name: None,
        email: None,
        payment_terms_days: None,
        address: None,
        tax_ids: None,
        zone: None,
        purchase_order: None,
        clear: Some(vec![detail]),
    });
    let nothing = AnnotateInvoice { customer: id(1), memo: None, purchase_order: None };
    all.add("cleared", nothing.clone());
    all.add("purchase order", AnnotateInvoice { purchase_order: Some(of("PO 19")), ..nothing });
    all.add_each(values::personals(), |memo| AnnotateInvoice {
        customer: id(1),
        memo: Some(memo),
        purchase_order: None,
    });
    all.add("released", ReleaseCustomer { customer: id(1) });
    let erase = EraseCustomer { customer: id(1), reason: clear("Ada asked"), leave_credit: None };
    all.add("erased", erase.clone());
    all.add("with credit left", EraseCustomer { leave_credit: Some(true), ..erase });
    all.add(
        "of a run",
        ParkCustomer {
            customer: id(1),
            process: of("billing_run"),
            run: Some(id(20)),
            reason: of("too_many_cycles"),
            detail: of("too many cycles to bill at once"),
        },
    );
    all.add("a part", DraftPart { customer: id(1), of: id(30), part: 7 });
    all.add(
        "bill",
        BillCustomer { customer: id(1), run: id(20), through: of("2024-01-31"), ahead: false },
    );
}

fn subscription_commands(all: &mut Samples<Command>) {
    let (customer, subscription) = (id(1), id(4));
    let bare = CreateSubscription {
        customer,
        subscription,
        plan: id(3),
        version: None,
        quantity: None,
        start: None,
        invoice: None,
        with: None,
    };
    all.add("bare", bare.clone());
    all.add_each(values::invoice_timings(), |invoice| CreateSubscription {
        version: Some(2),
        quantity: Some(of("5")),
        start: Some(of("2024-02-29")),
        invoice: Some(invoice),
        with: Some(SubscriptionTerms::default()),
        ..bare.clone()
    });
    all.add("full", CreateSubscription { with: Some(subscription_terms()), ..bare.clone() });
    all.add_each(values::anchors(), |anchor| {
        let with = SubscriptionTerms { anchor: Some(anchor), ..SubscriptionTerms::default() };
        CreateSubscription { with: Some(with), ..bare.clone() }
    });
    all.add_each(values::change_times(), |when| ChangePlan {
        customer,
        subscription,
        plan: id(33),
        version: Some(1),
        map: None,
        keep_prices: Some(true),
        keep_scheduled: None,
        when,
        proration: Some(Settle::Now),
    });
    all.add_each(values::change_times(), |when| ChangeQuantity {
        customer,
        subscription,
        quantity: of("7.25"),
        when,
        proration: None,
    });
    all.add_each(values::cancel_credits(), |credit| CancelSubscription {
        customer,
        subscription,
        when: ChangeTime::Now,
        credit: Some(credit),
        waive_fee: Some(true),
    });
    all.add_each(values::invoice_timings(), |invoice| EndTrial {
        customer,
        subscription,
        invoice: Some(invoice),
    });
}

fn change_commands(all: &mut Samples<Command>) {
    let (customer, subscription, when) = (id(1), id(4), ChangeTime::Now);
    let bare = ChangeSubscription {
        customer,
        subscription,
        plan: None,
        version: None,
        quantity: Some(of("7.25")),
        items: None,
        anchor: None,
        map: None,
        keep_prices: None,
        keep_scheduled: None,
        when,
        proration: None,
    };
    all.add("bare", bare.clone());
    all.add_each(values::settles(), |settle| ChangeSubscription {
        plan: Some(id(33)),
        version: Some(1),
        items: subscription_terms().items,
        anchor: Some(values::anchors()[2].1),
        map: Some(vec![
            PriceMapping { from: of("fee"), to: Some(of("base")) },
            PriceMapping { from: of("extra"), to: None },
        ]),
        keep_prices: Some(true),
        keep_scheduled: Some(true),
        proration: Some(settle),
        ..bare.clone()
    });
    all.add("undone", UncancelSubscription { customer, subscription });
    all.add("withdrawn", WithdrawChange { customer, subscription, change: 3 });
    let pause = PauseSubscription { customer, subscription, when, credit: None, resume_on: None };
    all.add("until resumed", pause.clone());
    all.add_each(values::settles(), |credit| PauseSubscription {
        credit: Some(credit),
        resume_on: Some(of("2024-03-31")),
        ..pause.clone()
    });
    let resume = ResumeSubscription { customer, subscription, when, proration: None };
    all.add("as usual", resume.clone());
    all.add_each(values::settles(), |settle| ResumeSubscription {
        proration: Some(settle),
        ..resume.clone()
    });
    all.add_each(values::renewals(), |renewal| SetRenewal { customer, subscription, renewal });
}

fn offer_commands(all: &mut Samples<Command>) {
    let (customer, quote) = (id(1), id(15));
    let discount =
        |on, value, duration| ApplyDiscount { customer, discount: id(9), on, value, duration };
    let target = || values::discount_targets().swap_remove(0).1;
    let percent = values::discount_values()[0].1;
    all.add_each(values::discount_targets(), |on| discount(on, percent, DiscountDuration::Once));
    all.add_each(values::discount_values(), |v| discount(target(), v, DiscountDuration::Forever));
    all.add_each(values::discount_durations(), |d| discount(target(), percent, d));
    all.add("removed", RemoveDiscount { customer, discount: id(9) });
    let (coupon, on) = (id(14), target());
    all.add("redeemed", RedeemCoupon { customer, coupon, discount: id(9), on });
    let bare = CreateQuote {
        customer,
        quote,
        plan: id(3),
        version: None,
        quantity: None,
        with: None,
        valid_until: of("2024-02-29"),
    };
    all.add("bare", bare.clone());
    all.add(
        "full",
        CreateQuote {
            version: Some(2),
            quantity: Some(of("12")),
            with: Some(subscription_terms()),
            ..bare
        },
    );
    let subscription = id(4);
    all.add("bare", AcceptQuote { customer, quote, subscription, start: None, invoice: None });
    all.add_each(values::invoice_timings(), |invoice| AcceptQuote {
        customer,
        quote,
        subscription,
        start: Some(of("2024-02-29")),
        invoice: Some(invoice),
    });
    all.add("voided", VoidQuote { customer, quote });
}

fn charge_commands(all: &mut Samples<Command>) {
    let customer = id(1);
    let charge = |price, invoice| AddCharge {
        customer,
        charge: id(5),
        description: clear("Two compact discs"),
        price,
        quantity: Some(of("2")),
        service: Some(of("2024-01-01/2024-02-01")),
        invoice,
    };
    all.add_each(values::charge_prices(), |price| charge(price, None));
    let total = values::charge_prices()[0].1;
    all.add_each(values::charge_invoices(), |invoice| charge(total, Some(invoice)));
    let now = InvoiceNow { customer, through: None, ahead: None, invoice: None };
    all.add("bare", now.clone());
    let (through, invoice) = (Some(of("2024-02-29")), Some(InvoiceRequest::default()));
    all.add("as asked", InvoiceNow { through, ahead: Some(true), invoice, ..now });
    all.add("withdrawn", WithdrawCharge { customer, charge: id(5) });
    let reason = clear("wrong address");
    let void = VoidInvoice { customer, invoice: id(6), reason, rebill: true };
    all.add("bill again", void.clone());
    all.add("give up", VoidInvoice { rebill: false, ..void });
}
