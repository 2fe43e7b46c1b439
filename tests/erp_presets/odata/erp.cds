using { managed } from '@sap/cds/common';

aspect Record : managed {
  key ID          : UUID;
  chargebeeId     : String(100);
  active          : Boolean default true;
}

aspect Address {
  addressLine1    : String(150);
  city            : String(50);
  postalCode      : String(20);
  country         : String(2);
}

aspect Sale : Record {
  number          : String(50);
  status          : String(20);
  customerId      : String(40);
  contactId       : String(40);
  currencyCode    : String(3);
  note            : String(600);
  lines           : Composition of many {
    key ID        : UUID;
    position      : Integer;
    itemNumber    : String(100);
    description   : String(250);
    quantity      : Decimal(15, 3);
    unitPrice     : Decimal(15, 2);
  }
}

entity Contacts : Record, Address {
  givenName       : String(150);
  surname         : String(150);
  email           : String(70);
  phoneNumber     : String(50);
  jobTitle        : String(100);
  companyId       : String(40);
  languageCode    : String(10);
}

entity Customers : Record, Address {
  displayName     : String(250);
  status          : String(20);
  registrationNumber : String(50);
  vatNumber       : String(20);
  email           : String(70);
  currencyCode    : String(3);
  paymentTermsDays : Integer;
}

entity Employees : Record, Address {
  number          : String(50);
  givenName       : String(150);
  surname         : String(150);
  email           : String(70);
  jobTitle        : String(100);
  status          : String(20);
  employmentDate  : Date;
}

entity SalesQuotes : Sale {
  documentDate    : Date;
  validUntilDate  : Date;
}

entity SalesOrders : Sale {
  orderDate       : Date;
  trackingNumber  : String(50);
}

entity Items : Record {
  number          : String(100);
  displayName     : String(100);
  description     : String(2000);
  unitOfMeasure   : String(30);
  unitPrice       : Decimal(15, 2);
  currencyCode    : String(3);
  taxable         : Boolean;
  blocked         : Boolean default false;
}

annotate Contacts with { modifiedAt @odata.etag };
annotate Customers with { modifiedAt @odata.etag };
annotate Employees with { modifiedAt @odata.etag };
annotate SalesQuotes with { modifiedAt @odata.etag };
annotate SalesOrders with { modifiedAt @odata.etag };
annotate Items with { modifiedAt @odata.etag };

@path: '/odata/v4/erp'
@cds.query.limit: {default: 10, max: 10}
service ErpService {
  entity contacts as projection on Contacts;
  entity customers as projection on Customers;
  entity employees as projection on Employees;
  entity salesQuotes as projection on SalesQuotes;
  entity salesOrders as projection on SalesOrders;
  entity items as projection on Items;
}
