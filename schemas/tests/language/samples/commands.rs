//! Sample commands.

use schemas::Command;
use schemas::command::{
    AddCharge, AdvanceClock, ApplyDiscount, BillCustomer, CancelSubscription, ChangePlan,
    ChangeQuantity, CreateSubscription, DefineEntity, DefinePlan, GrantCredit, InvoiceNow,
    InvoiceRequest, OpenBook, RecordPayment, RefundPayment, RegisterCustomer, RemoveDiscount,
    RetirePlan, ReversePayment, RunBilling, UpdateCustomer, VoidInvoice,
};
use schemas::terms::{
    BillingTiming, CalendarUnit, ChangeTime, DiscountDuration, Every, InvoiceTiming, PricingModel,
    Profile, UnitPrice,
};

use super::{Named, Samples, series};
use crate::values::{self, clear, eur, id, of, price, sealed};

/// At least one command of every kind.
pub(crate) fn commands() -> Vec<Named<Command>> {
    let mut all = Samples::new();
    book_commands(&mut all);
    customer_commands(&mut all);
    subscription_commands(&mut all);
    charge_commands(&mut all);
    payment_commands(&mut all);
    all.done()
}

fn book_commands(all: &mut Samples<Command>) {
    all.add_each(values::book_clocks(), |clock| OpenBook {
        book: of("acme"),
        profile: Profile::Billfold1,
        clock,
    });
    all.add("forward", AdvanceClock { to: of("2024-02-01T00:00:00Z") });
    all.add(
        "three series",
        DefineEntity {
            entity: id(2),
            name: of("Acme GmbH"),
            zone: of("Europe/Berlin"),
            payment_terms_days: 30,
            series: series(),
        },
    );
    all.add("flat", define_plan(PricingModel::Flat, BillingTiming::InAdvance));
    all.add("per unit", define_plan(PricingModel::PerUnit, BillingTiming::InArrears));
    all.add("retired", RetirePlan { plan: id(3) });
    all.add("month end", RunBilling { run: id(20), through: of("2024-01-31") });
}

fn define_plan(model: PricingModel, timing: BillingTiming) -> DefinePlan {
    let dollars = UnitPrice { amount: of("109.5"), currency: of("USD") };
    DefinePlan {
        plan: id(3),
        name: of("Team"),
        every: Every { count: 3, unit: CalendarUnit::Week },
        timing,
        model,
        prices: vec![price("99"), dollars],
    }
}

fn customer_commands(all: &mut Samples<Command>) {
    let bare = RegisterCustomer {
        customer: id(1),
        entity: id(2),
        external_id: None,
        name: clear("Ada Lovelace"),
        email: None,
        currency: of("EUR"),
        zone: None,
        payment_terms_days: None,
    };
    all.add("bare", bare.clone());
    all.add(
        "full",
        RegisterCustomer {
            external_id: Some(of("crm:42")),
            email: Some(clear("ada@example.com")),
            zone: Some(of("America/New_York")),
            payment_terms_days: Some(14),
            ..bare.clone()
        },
    );
    all.add("sealed", RegisterCustomer { name: sealed(), ..bare });
    all.add(
        "everything",
        UpdateCustomer {
            customer: id(1),
            external_id: Some(of("crm:43")),
            name: Some(clear("Countess Lovelace")),
            email: Some(clear("countess@example.com")),
            payment_terms_days: Some(0),
        },
    );
    all.add("bill", BillCustomer { customer: id(1), run: id(20), through: of("2024-01-31") });
}

fn subscription_commands(all: &mut Samples<Command>) {
    let (customer, subscription) = (id(1), id(4));
    all.add(
        "bare",
        CreateSubscription {
            customer,
            subscription,
            plan: id(3),
            version: None,
            quantity: None,
            invoice: None,
        },
    );
    all.add_each(values::invoice_timings(), |invoice| CreateSubscription {
        customer,
        subscription,
        plan: id(3),
        version: Some(2),
        quantity: Some(of("5")),
        invoice: Some(invoice),
    });
    all.add_each(values::change_times(), |when| ChangePlan {
        customer,
        subscription,
        plan: id(33),
        version: Some(1),
        when,
        invoice: Some(InvoiceTiming::Now),
    });
    all.add_each(values::change_times(), |when| ChangeQuantity {
        customer,
        subscription,
        quantity: of("7.25"),
        when,
        invoice: None,
    });
    all.add_each(values::cancel_credits(), |credit| CancelSubscription {
        customer,
        subscription,
        when: ChangeTime::Now,
        credit: Some(credit),
    });
    let discount =
        |on, value, duration| ApplyDiscount { customer, discount: id(9), on, value, duration };
    let (target, percent) = (values::discount_targets()[0].1, values::discount_values()[0].1);
    all.add_each(values::discount_targets(), |on| discount(on, percent, DiscountDuration::Once));
    all.add_each(values::discount_values(), |v| discount(target, v, DiscountDuration::Forever));
    all.add_each(values::discount_durations(), |d| discount(target, percent, d));
    all.add("removed", RemoveDiscount { customer, discount: id(9) });
}

fn charge_commands(all: &mut Samples<Command>) {
    let customer = id(1);
    let charge = |price, invoice| AddCharge {
        customer,
        charge: id(5),
        description: of("Two compact discs"),
        price,
        quantity: Some(of("2")),
        service: Some(of("2024-01-01/2024-02-01")),
        invoice,
    };
    all.add_each(values::charge_prices(), |price| charge(price, None));
    let total = values::charge_prices()[0].1;
    all.add_each(values::charge_invoices(), |invoice| charge(total, Some(invoice)));
    all.add("bare", InvoiceNow { customer, invoice: None });
    all.add("as asked", InvoiceNow { customer, invoice: Some(InvoiceRequest::default()) });
    let void = VoidInvoice { customer, invoice: id(6), reason: of("wrong address"), rebill: true };
    all.add("bill again", void.clone());
    all.add("give up", VoidInvoice { rebill: false, ..void });
}

fn payment_commands(all: &mut Samples<Command>) {
    let (customer, payment, reason) = (id(1), id(10), of("a stated reason"));
    let bare = RecordPayment {
        customer,
        payment,
        amount: eur(12_34),
        external_id: None,
        method: None,
        allocate: None,
    };
    all.add("bare", bare.clone());
    all.add_each(values::allocates(), |allocate| RecordPayment {
        external_id: Some(of("bank:2024-01-31/17")),
        method: Some(of("transfer")),
        allocate: Some(allocate),
        ..bare.clone()
    });
    let reversal = ReversePayment { customer, payment, reason };
    all.add("reversed", reversal.clone());
    all.add_each(values::refund_effects(), |effect| RefundPayment {
        customer,
        payment,
        refund: id(11),
        amount: eur(234),
        effect,
        reason: reversal.reason.clone(),
    });
    let reason = of("goodwill");
    all.add("granted", GrantCredit { customer, grant: id(12), amount: eur(500), reason });
}
