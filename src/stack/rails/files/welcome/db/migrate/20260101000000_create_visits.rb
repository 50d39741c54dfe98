class CreateVisits < ActiveRecord::Migration[7.2]
  def change
    create_table :visits do |table|
      table.integer :count, null: false, default: 0
    end
  end
end
