//! The commands that a purchase stands for, with ids derived from what the row says.

use schemas::command::{BillingCommand, CustomerCommand, SellerCommand, SettlementCommand};
use std::collections::HashSet;

use client::Order;
use schemas::command::{
    AddCharge, Allocate, AllocationRequest, ChargeInvoice, ChargePrice, DefineEntity,
    InvoiceRequest, RecordPayment, RegisterCustomer,
};
use schemas::ids::{ChargeId, CommandId, CustomerId, EntityId, InvoiceId, PaymentId};
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::text::{Code, ExternalId, Label};
use schemas::{Command, Contact, Currency, Timestamp, ZoneName};
use uuid::Uuid;

use super::rows::Row;

/// Under which all ids of imported purchases are derived. Never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f1d_38a2_95b4_4c0e_8a57_3d20_b1c6_e94f);

/// Turns rows of one source into commands.
#[derive(Debug)]
pub struct Deriver {
    source: Code,
    space: Uuid,
    currency: Currency,
    entity: EntityId,
    registered: HashSet<CustomerId>,
}

impl Deriver {
    /// For rows of this source in this currency.
    pub fn new(source: Code, currency: Currency) -> Self {
        let space = schemas::ids::derive(NAMESPACE, source.as_str());
        let entity = EntityId::new(schemas::ids::derive(space, "entity"));
        Self { source, space, currency, entity, registered: HashSet::new() }
    }

    /// The seller of all rows, with a series for the past.
    pub fn entity(&self) -> Order {
        let command = DefineEntity {
            entity: self.entity,
            name: label(&format!("Imported from {}", self.source)),
            zone: ZoneName::utc(),
            payment_terms_days: 0,
            series: vec![
                series("invoices", SeriesKind::Invoice, "INV"),
                series("history", SeriesKind::Historical, "HIST"),
            ],
            document_retention_years: None,
            address: None,
            tax_ids: None,
        };
        let id = CommandId::new(schemas::ids::derive(self.space, "command/entity"));
        Order {
            id,
            line: None,
            effective_at: None,
            command: Command::Seller(SellerCommand::DefineEntity(command)),
        }
    }

    /// The commands of one row: the customer at first sight, the invoice, the payment.
    pub fn orders(&mut self, row: &Row) -> Vec<Order> {
        let customer = CustomerId::new(self.derive(&format!("customer/{}", row.customer)));
        let mut orders = Vec::with_capacity(3);
        if self.registered.insert(customer) {
            orders.push(self.register(row, customer));
        }
        let key = format!(
            "{}/{}/{}/{}/{}",
            row.customer,
            row.date,
            row.quantity,
            row.value.amount(),
            row.occurrence
        );
        let invoice = InvoiceId::new(self.derive(&format!("invoice/{key}")));
        orders.push(self.charge(row, customer, invoice, &key));
        if row.value.minor().is_positive() {
            orders.push(self.payment(row, customer, invoice, &key));
        }
        orders
    }

    fn register(&self, row: &Row, customer: CustomerId) -> Order {
        let command = RegisterCustomer {
            customer,
            entity: self.entity,
            external_id: Some(self.external(row.customer.as_str())),
            name: Contact::Clear(format!("Customer {}", row.customer)),
            email: None,
            currency: self.currency,
            zone: None,
            payment_terms_days: None,
            parent: None,
            address: None,
            tax_ids: None,
            purchase_order: None,
        };
        let key = format!("command/customer/{}", row.customer);
        self.order(row, &key, Command::Customer(CustomerCommand::RegisterCustomer(command)))
    }

    fn charge(&self, row: &Row, customer: CustomerId, invoice: InvoiceId, key: &str) -> Order {
        let external = self.document(row, &format!("invoice/{key}"));
        let command = AddCharge {
            customer,
            charge: ChargeId::new(self.derive(&format!("charge/{key}"))),
            description: label("Purchase").into(),
            price: ChargePrice::Total(row.value),
            quantity: Some(row.quantity),
            service: None,
            invoice: Some(ChargeInvoice::Now(InvoiceRequest {
                invoice: Some(invoice),
                external_id: Some(self.external(&external)),
                series: Some(code("history")),
                document_date: Some(row.date),
                ..InvoiceRequest::default()
            })),
        };
        self.order(
            row,
            &format!("command/charge/{key}"),
            Command::Billing(BillingCommand::AddCharge(command)),
        )
    }

    fn payment(&self, row: &Row, customer: CustomerId, invoice: InvoiceId, key: &str) -> Order {
        let external = self.document(row, &format!("payment/{key}"));
        let command = RecordPayment {
            customer,
            payment: PaymentId::new(self.derive(&format!("payment/{key}"))),
            amount: row.value,
            external_id: Some(self.external(&external)),
            method: None,
            allocate: Some(Allocate::To(vec![AllocationRequest { invoice, amount: row.value }])),
        };
        self.order(
            row,
            &format!("command/payment/{key}"),
            Command::Settlement(SettlementCommand::RecordPayment(command)),
        )
    }

    fn order(&self, row: &Row, key: &str, command: Command) -> Order {
        Order {
            id: CommandId::new(self.derive(key)),
            line: Some(row.line),
            effective_at: Some(Timestamp::start_of_utc(row.date)),
            command,
        }
    }

    fn derive(&self, name: &str) -> Uuid {
        schemas::ids::derive(self.space, name)
    }

    /// Customer, date, and twelve hexadecimal digits that tell the documents of a day apart.
    fn document(&self, row: &Row, name: &str) -> String {
        let digits = self.derive(name).simple().to_string();
        format!("{}-{}-{}", row.customer, row.date, &digits[..12])
    }

    fn external(&self, rest: &str) -> ExternalId {
        format!("{}-{rest}", self.source)
            .parse()
            .expect("two codes and at most 25 characters more fit an external id")
    }
}

fn series(name: &str, kind: SeriesKind, prefix: &str) -> SeriesDefinition {
    SeriesDefinition { code: code(name), kind, prefix: code(prefix), digits: 6 }
}

fn code(text: &str) -> Code {
    text.parse().expect("written here as a code")
}

fn label(text: &str) -> Label {
    text.parse().expect("written here as a label, and a code is at most 32 characters")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::rows::read;

    const FILE: &[u8] = b"00001 19970101 1 11.77\n00001 19970101 1 11.77\n00001 19970102 2 0.00\n";

    fn orders(source: &str) -> Vec<Order> {
        let usd = "USD".parse().expect("a currency");
        let mut deriver = Deriver::new(code(source), usd);
        let (rows, _) = read(FILE, usd);
        rows.iter().flat_map(|row| deriver.orders(row)).collect()
    }

    #[test]
    fn a_row_is_an_invoice_and_a_payment_and_the_first_one_a_customer() {
        let names: Vec<_> = orders("shop").iter().map(|o| o.command.kind().name).collect();
        let expected = [
            "customer.register",
            "charge.add",
            "payment.record",
            "charge.add",
            "payment.record",
            "charge.add",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_same_file_asks_for_the_same_commands_and_equal_rows_for_different_ones() {
        let once: Vec<_> = orders("shop").into_iter().map(|o| (o.id, o.command)).collect();
        let again: Vec<_> = orders("shop").into_iter().map(|o| (o.id, o.command)).collect();
        assert_eq!(once, again);
        let ids: HashSet<_> = once.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), once.len());
        assert!(orders("other").iter().all(|order| !ids.contains(&order.id)));
    }

    #[test]
    fn a_purchase_takes_effect_at_the_start_of_its_day() {
        let orders = orders("shop");
        let at = orders[1].effective_at.expect("dated").to_string();
        assert_eq!(at, "1997-01-01T00:00:00Z");
    }
}
