#!/usr/bin/env python3
"""Further cases on the schema of mariadb.json, written before anybody looked at what we say of them;
observed by observe_mariadb.py with its arguments; writes mariadb_further.json.

usage: observe_mariadb_further.py --socket SOCKET [--user root]
"""
import os
import sys

import observe_mariadb as observer

observer.CASES.clear()
case = observer.case

# --- refused by the schema: CREATE TABLE
case("create_same_column_twice", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, word VARCHAR(20), Word TEXT)")
case("create_two_primary_keys", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, word VARCHAR(20), PRIMARY KEY (word))")
case("create_key_on_missing_column", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, KEY tag_word (word))")
case("create_same_key_twice", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, a INT, KEY k (a), KEY k (id))")
case("create_text_key_without_length", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, body TEXT, KEY tag_body (body))")
case("create_bad_default", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, made DATE DEFAULT 'soon')")
case("create_null_default_not_null", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, made DATE NOT NULL DEFAULT NULL)")
case("create_auto_increment_without_key", "fails", "CREATE TABLE tag (id INT AUTO_INCREMENT, word VARCHAR(20))")
case("create_fk_other_type", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, book_id VARCHAR(10), CONSTRAINT tag_book FOREIGN KEY (book_id) REFERENCES book (id))")
case("create_fk_not_indexed", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, n SMALLINT, CONSTRAINT tag_book FOREIGN KEY (n) REFERENCES book (stars))")
case("create_fk_missing_column", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, book_id INT, CONSTRAINT tag_book FOREIGN KEY (book_id) REFERENCES book (nr))")
case("create_fk_own_column_missing", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, CONSTRAINT tag_book FOREIGN KEY (book_id) REFERENCES book (id))")
case("create_check_missing_column", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, CONSTRAINT tag_c CHECK (score > 0))")
case("create_unknown_engine", "fails", "CREATE TABLE tag (id INT PRIMARY KEY) ENGINE=Nonsense")
case("create_unknown_collation", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, w VARCHAR(9) COLLATE utf8mb4_martian)")
case("create_no_columns", "fails", "CREATE TABLE tag ENGINE=InnoDB")
case("create_varchar_without_length", "fails", "CREATE TABLE tag (id INT PRIMARY KEY, w VARCHAR)")
case("create_serial_and_auto", "create-table", "CREATE TABLE tag (id SERIAL, w VARCHAR(9), PRIMARY KEY (id))")
# --- refused by the schema: rows given as literals
case("insert_null_into_not_null", "fails", "INSERT INTO shelf (id, code) VALUES (500, NULL)")
case("insert_too_long", "fails", "INSERT INTO shelf (id, code) VALUES (500, 'a code of more than twenty letters')")
case("insert_bad_enum", "fails", "INSERT INTO book (isbn, grade) VALUES ('x-1', 'perfect')")
case("insert_out_of_range", "fails", "INSERT INTO book (isbn, stars) VALUES ('x-1', 40000)")
case("insert_negative_unsigned", "fails", "INSERT INTO book (isbn, copies) VALUES ('x-1', -1)")
case("insert_word_for_number", "fails", "INSERT INTO book (isbn, pages) VALUES ('x-1', 'many')")
case("insert_bad_date", "fails", "INSERT INTO book (isbn, printed) VALUES ('x-1', '2024-02-31')")
case("insert_into_generated", "fails", "INSERT INTO price (id, net, tax, gross) VALUES (900, 2, 1, 3)")
case("insert_against_check", "fails", "INSERT INTO price (id, net, tax, qty) VALUES (900, 2, 1, -4)")
case("insert_column_twice", "fails", "INSERT INTO shelf (code, code) VALUES ('n1', 'n2')")
case("insert_ignore_too_long", "insert", "INSERT IGNORE INTO shelf (id, code) VALUES (500, 'a code of more than twenty letters')")
case("insert_too_long_not_strict", "insert", "INSERT INTO shelf (id, code) VALUES (500, 'a code of more than twenty letters')", sql_mode="NO_ENGINE_SUBSTITUTION")
case("insert_second_row_bad", "fails", "INSERT INTO shelf (id, code) VALUES (500, 'good'), (501, NULL)")
case("insert_no_partition", "fails", "INSERT INTO ev VALUES (9000, 2050, 'late')")
# --- refused by the schema: ALTER TABLE and others
case("alter_check_missing_column", "fails", "ALTER TABLE book ADD CONSTRAINT book_score CHECK (score > 0)")
case("alter_fk_taken_name", "fails", "ALTER TABLE sticker ADD CONSTRAINT slot_shelf_fk FOREIGN KEY (shelf_id) REFERENCES shelf (id)")
case("alter_generated_missing_column", "fails", "ALTER TABLE book ADD COLUMN total INT AS (pages * nothing) VIRTUAL")
case("alter_default_bad_set", "fails", "ALTER TABLE book ALTER COLUMN grade SET DEFAULT 'perfect'")
case("alter_auto_increment_not_key", "fails", "ALTER TABLE book MODIFY pages VARCHAR(10) AUTO_INCREMENT")
case("alter_key_too_long", "fails", "ALTER TABLE book ADD COLUMN long_one VARCHAR(1000), ADD INDEX book_long_one (long_one)")
case("rename_three_way", "rename-table", "RENAME TABLE bare TO bare_old, hollow TO bare, bare_old TO hollow", renames={"bare": "hollow", "hollow": "bare"})
case("rename_into_missing_database", "fails", "RENAME TABLE bare TO nowhere_db.bare")
case("view_of_missing_column", "fails", "CREATE VIEW book_short AS SELECT id, nickname FROM book")
case("trigger_taken", "fails", "CREATE TRIGGER shelf_trg BEFORE INSERT ON shelf FOR EACH ROW SET NEW.room = 'x'")
case("index_taken", "fails", "CREATE INDEX book_pages ON book (stars)")
case("index_missing_column", "fails", "CREATE INDEX book_mood ON book (mood)")
case("update_literal_too_long", "fails", "UPDATE shelf SET code = 'a code of more than twenty letters' WHERE id = 3")
case("update_bad_enum", "fails", "UPDATE book SET grade = 'perfect' WHERE id = 3")
case("update_out_of_range", "fails", "UPDATE book SET stars = 99999 WHERE id = 3")
case("update_null_keyed", "fails", "UPDATE shelf SET code = NULL WHERE id = 3")
case("delete_where_missing_column", "fails", "DELETE FROM book WHERE mood = 'bad'")
# --- what is not refused
case("modify_same_definition", "alter-type", "ALTER TABLE book MODIFY pages INT")
case("modify_comment_only", "alter-comment", "ALTER TABLE book MODIFY title VARCHAR(50) COMMENT 'as printed'")
case("enum_append", "alter-type-widen", "ALTER TABLE book MODIFY grade ENUM('good','worn','lost','burnt')")
case("enum_insert_middle", "alter-type", "ALTER TABLE book MODIFY grade ENUM('good','fair','worn','lost')")
case("int_to_unsigned", "alter-type", "ALTER TABLE book MODIFY pages INT UNSIGNED")
case("drop_pk_and_add_bigint", "alter-type-widen", "ALTER TABLE slot MODIFY id BIGINT NOT NULL")
case("rename_index", "rename-index", "ALTER TABLE book RENAME INDEX book_title TO book_heading")
case("drop_check", "drop-constraint", "ALTER TABLE price DROP CONSTRAINT price_floor")
case("alter_engine_same", "rebuild", "ALTER TABLE loan ENGINE=InnoDB")
case("convert_utf8mb4", "convert-charset", "ALTER TABLE old1 CONVERT TO CHARACTER SET utf8mb4")
case("partition_add", "partition", "ALTER TABLE ev ADD PARTITION (PARTITION p2022 VALUES LESS THAN (2023))")
case("partition_drop", "drop-partition", "ALTER TABLE ev DROP PARTITION p2019")
case("unique_on_duplicates", "fails", "ALTER TABLE bare ADD UNIQUE KEY bare_c (c)")
case("set_not_null_on_nulls", "fails", "ALTER TABLE book MODIFY spare VARCHAR(10) NOT NULL")
case("delete_by_key", "dml", "DELETE FROM bare WHERE a = 3")
case("create_table_as", "create-table", "CREATE TABLE book_copy AS SELECT * FROM book")

if __name__ == "__main__":
    if "--out" not in sys.argv:
        sys.argv += ["--out", os.path.join(observer.HERE, "mariadb_further.json")]
    observer.main()
